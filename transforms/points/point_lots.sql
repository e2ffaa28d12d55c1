-- purpose: The lots with points left at the end of a period
-- grain: one row per lot with points left at the end of the period
-- keys: lot_id
-- inputs: lots_in_order(lot_id, customer_id, kind, credited_on, expires_on, refundable, credited,
--   remaining, shortened_from, changes_on, changed_expires_on)
-- policy: none
-- rules: P3, P7, P9, P12
SELECT
    CAST(lots_in_order.lot_id AS VARCHAR) AS lot_id,
    CAST(lots_in_order.customer_id AS VARCHAR) AS customer_id,
    CAST(lots_in_order.kind AS VARCHAR) AS kind,
    CAST(lots_in_order.credited_on AS DATE) AS credited_on,
    -- a change of policy in the period has taken effect by its end
    CAST(COALESCE(lots_in_order.changed_expires_on, lots_in_order.expires_on) AS DATE)
        AS expires_on,
    CAST(lots_in_order.refundable AS BOOLEAN) AS refundable,
    CAST(lots_in_order.credited AS BIGINT) AS credited,
    CAST(lots_in_order.remaining AS BIGINT) AS remaining,
    CAST(
        CASE
            WHEN lots_in_order.changes_on IS NULL THEN lots_in_order.shortened_from
            ELSE COALESCE(lots_in_order.shortened_from, lots_in_order.expires_on)
        END
        AS DATE
    ) AS shortened_from
FROM lots_in_order
WHERE lots_in_order.remaining <> 0
