-- purpose: Every assessed customer is counted in one band, with the fee, tier by tier
-- grain: one row per tier of which that is not so; none where the claim holds
-- keys: tier
-- inputs: tier_bands(tier, customers, annual_fee), tier_snapshot(annual_fee, tier)
-- policy: none
-- rules: T9
WITH compared AS (
    SELECT
        tier_bands.tier,
        tier_bands.customers,
        tier_bands.annual_fee
    FROM tier_bands
    UNION ALL
    SELECT
        tier_snapshot.tier,
        -1 AS customers,
        -tier_snapshot.annual_fee AS annual_fee
    FROM tier_snapshot
)

SELECT
    CAST(compared.tier AS VARCHAR) AS tier,
    CAST(SUM(compared.customers) AS BIGINT) AS customers,
    CAST(SUM(compared.annual_fee) AS BIGINT) AS annual_fee
FROM compared
GROUP BY compared.tier
HAVING SUM(compared.customers) <> 0 OR SUM(compared.annual_fee) <> 0
ORDER BY tier
