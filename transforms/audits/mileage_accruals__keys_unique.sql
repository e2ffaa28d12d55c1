-- purpose: No flight has two rows in mileage_accruals
-- grain: one row per flight with more than one row; none where the claim holds
-- keys: activity_id
-- inputs: mileage_accruals(activity_id)
-- policy: none
-- rules: F3, Q1
SELECT
    CAST(mileage_accruals.activity_id AS VARCHAR) AS activity_id,
    CAST(COUNT(*) AS BIGINT) AS copies
FROM mileage_accruals
GROUP BY mileage_accruals.activity_id
HAVING COUNT(*) > 1
ORDER BY activity_id
