-- purpose: The customers of both snapshots are counted, tier by tier, with what they pay now
-- grain: one row per year and tier of which that is not so; none where the claim holds
-- keys: of_this_year, tier
-- inputs: tier_moves(tier_before, tier, customers, annual_fee), tier_snapshot(annual_fee, tier),
--   tiers_before(tier)
-- policy: none
-- rules: T9
WITH compared AS (
    SELECT
        TRUE AS of_this_year,
        tier_moves.tier,
        tier_moves.customers,
        tier_moves.annual_fee
    FROM tier_moves
    WHERE tier_moves.tier IS NOT NULL
    UNION ALL
    SELECT
        TRUE AS of_this_year,
        tier_snapshot.tier,
        -1 AS customers,
        -tier_snapshot.annual_fee AS annual_fee
    FROM tier_snapshot
    UNION ALL
    SELECT
        FALSE AS of_this_year,
        tier_moves.tier_before AS tier,
        tier_moves.customers,
        -- nothing is told of those who are not in this year's
        CASE WHEN tier_moves.tier IS NULL THEN tier_moves.annual_fee ELSE 0 END AS annual_fee
    FROM tier_moves
    WHERE tier_moves.tier_before IS NOT NULL
    UNION ALL
    SELECT
        FALSE AS of_this_year,
        tiers_before.tier,
        -1 AS customers,
        0 AS annual_fee
    FROM tiers_before
)

SELECT
    CAST(compared.of_this_year AS BOOLEAN) AS of_this_year,
    CAST(compared.tier AS VARCHAR) AS tier,
    CAST(SUM(compared.customers) AS BIGINT) AS customers,
    CAST(SUM(compared.annual_fee) AS BIGINT) AS annual_fee
FROM compared
GROUP BY compared.of_this_year, compared.tier
HAVING SUM(compared.customers) <> 0 OR SUM(compared.annual_fee) <> 0
ORDER BY of_this_year, tier
