-- purpose: A lot that is extended is still there, and can be used through the day that the entry says
-- grain: one row per extension of which that is not so; none where the claim holds
-- keys: lot_id
-- inputs: point_entries(lot_id, customer_id, kind, expires_on),
--   point_lots(lot_id, customer_id, expires_on)
-- policy: none
-- rules: P8, P11
SELECT
    CAST(point_entries.lot_id AS VARCHAR) AS lot_id,
    CAST(point_entries.customer_id AS VARCHAR) AS customer_id,
    CAST(point_entries.expires_on AS DATE) AS extended_to,
    CAST(point_lots.expires_on AS DATE) AS expires_on
FROM point_entries
LEFT JOIN point_lots
    ON point_entries.lot_id = point_lots.lot_id
    AND point_entries.customer_id = point_lots.customer_id
WHERE point_entries.kind = 'extension'
    AND point_entries.expires_on IS DISTINCT FROM point_lots.expires_on
ORDER BY lot_id
