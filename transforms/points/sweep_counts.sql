-- purpose: What a sweep takes by cause, and how much of it nobody was told of, for the summary
-- grain: one row per cause
-- keys: cause
-- inputs: expiry_sweep(customer_id, points, cause, noticed_month)
-- policy: none
-- rules: P9
SELECT
    CAST(expiry_sweep.cause AS VARCHAR) AS cause,
    CAST(COUNT(*) AS BIGINT) AS lots,
    CAST(COUNT(DISTINCT expiry_sweep.customer_id) AS BIGINT) AS customers,
    CAST(SUM(expiry_sweep.points) AS BIGINT) AS points,
    CAST(
        COUNT(
            DISTINCT CASE WHEN expiry_sweep.noticed_month IS NULL THEN expiry_sweep.customer_id END
        )
        AS BIGINT
    ) AS customers_never_told,
    CAST(
        SUM(CASE WHEN expiry_sweep.noticed_month IS NULL THEN expiry_sweep.points ELSE 0 END)
        AS BIGINT
    ) AS points_never_told
FROM expiry_sweep
GROUP BY expiry_sweep.cause
ORDER BY cause
