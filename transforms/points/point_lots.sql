-- purpose: The lots with points left at the end of a period
-- grain: one row per lot with points left at the end of the period
-- keys: lot_id
-- inputs: period_lots(lot_id, customer_id, kind, credited_on, expires_on, refundable, credited,
--   remaining, shortened_from)
-- policy: none
-- rules: P3, P9, P12
SELECT
    CAST(period_lots.lot_id AS VARCHAR) AS lot_id,
    CAST(period_lots.customer_id AS VARCHAR) AS customer_id,
    CAST(period_lots.kind AS VARCHAR) AS kind,
    CAST(period_lots.credited_on AS DATE) AS credited_on,
    CAST(period_lots.expires_on AS DATE) AS expires_on,
    CAST(period_lots.refundable AS BOOLEAN) AS refundable,
    CAST(period_lots.credited AS BIGINT) AS credited,
    CAST(period_lots.remaining AS BIGINT) AS remaining,
    CAST(period_lots.shortened_from AS DATE) AS shortened_from
FROM period_lots
WHERE period_lots.remaining <> 0
ORDER BY customer_id, lot_id
