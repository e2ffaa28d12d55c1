-- purpose: How many customers have each tier, for the run's summary
-- grain: one row per tier that some customer has
-- keys: tier
-- inputs: tier_snapshot(tier, upgraded, annual_fee)
-- policy: none
-- rules: T4, T5
SELECT
    CAST(tier_snapshot.tier AS VARCHAR) AS tier,
    CAST(COUNT(*) AS BIGINT) AS customers,
    CAST(COUNT(*) FILTER (WHERE tier_snapshot.upgraded) AS BIGINT) AS upgraded,
    CAST(SUM(tier_snapshot.annual_fee) AS DECIMAL(38, 0)) AS annual_fee
FROM tier_snapshot
GROUP BY tier_snapshot.tier
ORDER BY tier
