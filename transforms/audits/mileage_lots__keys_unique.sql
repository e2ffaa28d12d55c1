-- purpose: No lot has two rows in mileage_lots
-- grain: one row per lot with more than one row; none where the claim holds
-- keys: lot_id
-- inputs: mileage_lots(lot_id)
-- policy: none
-- rules: F4, Q1
SELECT
    CAST(mileage_lots.lot_id AS VARCHAR) AS lot_id,
    CAST(COUNT(*) AS BIGINT) AS copies
FROM mileage_lots
GROUP BY mileage_lots.lot_id
HAVING COUNT(*) > 1
ORDER BY lot_id
