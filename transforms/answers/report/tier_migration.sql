-- purpose: From which tier to which customers moved into the latest membership year
-- grain: one row per tier before and tier that any customer moved between, or stayed in
-- keys: tier_before, tier
-- inputs: tier_moves(membership_year, tier_before, tier, why, customers),
--   run_context(membership_year)
-- policy: none
-- rules: T9
SELECT
    CAST(COALESCE(CAST(tier_moves.tier_before AS VARCHAR), 'not assessed') AS VARCHAR)
        AS tier_before,
    CAST(COALESCE(CAST(tier_moves.tier AS VARCHAR), 'not assessed') AS VARCHAR) AS tier,
    CAST(SUM(tier_moves.customers) AS BIGINT) AS customers
FROM tier_moves
CROSS JOIN run_context
WHERE tier_moves.why IS NOT NULL
    AND tier_moves.membership_year = run_context.membership_year
GROUP BY tier_moves.tier_before, tier_moves.tier
ORDER BY tier_before, tier
