-- purpose: The lots that the points ledger opens with, as an older system hands them over, in the
--   columns and the order of a month's lots
-- grain: one row per lot
-- keys: lot_id
-- inputs: delivered_lots(lot_id, owner, kind, credited_on, expires_on, refundable, remaining)
-- policy: none
-- rules: P12
SELECT
    CAST(delivered_lots.lot_id AS VARCHAR) AS lot_id,
    CAST(delivered_lots.owner AS VARCHAR) AS customer_id,
    CAST(delivered_lots.kind AS VARCHAR) AS kind,
    CAST(delivered_lots.credited_on AS DATE) AS credited_on,
    CAST(delivered_lots.expires_on AS DATE) AS expires_on,
    CAST(delivered_lots.refundable AS BOOLEAN) AS refundable,
    -- what was credited once is not told, so a lot starts with what is left of it
    CAST(delivered_lots.remaining AS BIGINT) AS credited,
    CAST(delivered_lots.remaining AS BIGINT) AS remaining,
    CAST(NULL AS DATE) AS shortened_from,
    CAST(NULL AS DATE) AS changes_on,
    CAST(NULL AS DATE) AS changed_expires_on
FROM delivered_lots
ORDER BY customer_id, lot_id
