-- purpose: Why customers moved between tiers, by membership year, and what points it gives or takes
-- grain: one row per membership year and cause
-- keys: membership_year, why
-- inputs: tier_moves(membership_year, why, customers, annual_fee, points_before, points_after),
--   run_context(membership_year)
-- policy: none
-- rules: T9, G1
SELECT
    CAST(tier_moves.membership_year AS BIGINT) AS membership_year,
    CAST(tier_moves.why AS VARCHAR) AS why,
    CAST(SUM(tier_moves.customers) AS BIGINT) AS customers,
    CAST(SUM(tier_moves.annual_fee) AS BIGINT) AS annual_fee,
    CAST(SUM(tier_moves.points_before) AS BIGINT) AS points_before,
    CAST(SUM(tier_moves.points_after) AS BIGINT) AS points_after,
    CAST(SUM(tier_moves.points_after) - SUM(tier_moves.points_before) AS BIGINT) AS points_more
FROM tier_moves
CROSS JOIN run_context
WHERE tier_moves.why IS NOT NULL
    AND tier_moves.membership_year <= run_context.membership_year
GROUP BY tier_moves.membership_year, tier_moves.why
ORDER BY membership_year DESC, why
