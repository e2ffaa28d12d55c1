-- purpose: The lots with points left as the month leaves them, in the order of point_lots
-- grain: one row per lot with points left
-- keys: lot_id
-- inputs: folded_lots(customer_id, lot_id, kind, credited_on, expires_on, refundable, credited,
--   remaining, shortened_from, changes_on, changed_expires_on)
-- policy: none
-- rules: P3, P7, P12
SELECT
    CAST(folded_lots.lot_id AS VARCHAR) AS lot_id,
    CAST(folded_lots.customer_id AS VARCHAR) AS customer_id,
    CAST(folded_lots.kind AS VARCHAR) AS kind,
    CAST(folded_lots.credited_on AS DATE) AS credited_on,
    CAST(COALESCE(folded_lots.changed_expires_on, folded_lots.expires_on) AS DATE) AS expires_on,
    CAST(folded_lots.refundable AS BOOLEAN) AS refundable,
    CAST(folded_lots.credited AS BIGINT) AS credited,
    CAST(folded_lots.remaining AS BIGINT) AS remaining,
    CAST(
        CASE
            WHEN folded_lots.changes_on IS NULL THEN folded_lots.shortened_from
            ELSE COALESCE(folded_lots.shortened_from, folded_lots.expires_on)
        END
        AS DATE
    ) AS shortened_from
FROM folded_lots
