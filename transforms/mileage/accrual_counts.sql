-- purpose: What the month's flights came to, by reason, for the run's summary
-- grain: one row per reason that occurs, and one without for those that earned
-- keys: reason
-- inputs: mileage_accruals(reason, miles, distance_suspect)
-- policy: none
-- rules: F1, F2, F3
SELECT
    CAST(mileage_accruals.reason AS VARCHAR) AS reason,
    CAST(COUNT(*) AS BIGINT) AS flights,
    CAST(COUNT(*) FILTER (WHERE mileage_accruals.distance_suspect) AS BIGINT) AS suspect_distances,
    CAST(SUM(mileage_accruals.miles) AS BIGINT) AS miles
FROM mileage_accruals
GROUP BY mileage_accruals.reason
ORDER BY reason NULLS FIRST
