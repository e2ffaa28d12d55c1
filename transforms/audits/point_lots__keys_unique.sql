-- purpose: No lot has two rows in point_lots
-- grain: one row per lot with more than one row; none where the claim holds
-- keys: lot_id
-- inputs: point_lots(lot_id)
-- policy: none
-- rules: P3, Q1
SELECT
    CAST(point_lots.lot_id AS VARCHAR) AS lot_id,
    CAST(COUNT(*) AS BIGINT) AS copies
FROM point_lots
GROUP BY point_lots.lot_id
HAVING COUNT(*) > 1
ORDER BY lot_id
