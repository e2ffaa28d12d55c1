-- purpose: How many customers are granted how many points by tier, for the run's summary
-- grain: one row per tier that is granted points
-- keys: tier
-- inputs: point_grants(tier, points)
-- policy: none
-- rules: G1
SELECT
    CAST(point_grants.tier AS VARCHAR) AS tier,
    CAST(COUNT(*) AS BIGINT) AS customers,
    CAST(SUM(point_grants.points) AS BIGINT) AS points
FROM point_grants
GROUP BY point_grants.tier
ORDER BY tier
