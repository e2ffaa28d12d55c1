-- purpose: Customers by tier and membership year, and how many of them tenure lifted
-- grain: one row per membership year and tier that any customer has
-- keys: membership_year, tier
-- inputs: tier_moves(membership_year, tier, fee_tier, customers, annual_fee),
--   run_context(membership_year)
-- policy: none
-- rules: T4, T5, T9
SELECT
    CAST(tier_moves.membership_year AS BIGINT) AS membership_year,
    CAST(tier_moves.tier AS VARCHAR) AS tier,
    CAST(SUM(tier_moves.customers) AS BIGINT) AS customers,
    CAST(
        SUM(CASE WHEN tier_moves.tier <> tier_moves.fee_tier THEN tier_moves.customers ELSE 0 END)
        AS BIGINT
    ) AS lifted_by_tenure,
    CAST(SUM(tier_moves.annual_fee) AS BIGINT) AS annual_fee
FROM tier_moves
CROSS JOIN run_context
WHERE tier_moves.tier IS NOT NULL
    AND tier_moves.membership_year <= run_context.membership_year
GROUP BY tier_moves.membership_year, tier_moves.tier
ORDER BY membership_year, tier
