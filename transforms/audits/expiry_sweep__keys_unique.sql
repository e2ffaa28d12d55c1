-- purpose: No lot has two rows in expiry_sweep
-- grain: one row per lot with more than one row; none where the claim holds
-- keys: lot_id
-- inputs: expiry_sweep(lot_id)
-- policy: none
-- rules: P9, Q1
SELECT
    CAST(expiry_sweep.lot_id AS VARCHAR) AS lot_id,
    CAST(COUNT(*) AS BIGINT) AS copies
FROM expiry_sweep
GROUP BY expiry_sweep.lot_id
HAVING COUNT(*) > 1
ORDER BY lot_id
