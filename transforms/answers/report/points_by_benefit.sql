-- purpose: What points were used for in the last 12 months
-- grain: one row per benefit and partner
-- keys: benefit, partner
-- inputs: redemption_results(month, benefit, partner, points, cancels, status),
--   run_context(last_month, year_ago_month)
-- policy: none
-- rules: P4
SELECT
    CAST(redemption_results.benefit AS VARCHAR) AS benefit,
    CAST(redemption_results.partner AS VARCHAR) AS partner,
    CAST(COUNT(*) AS BIGINT) AS redemptions,
    CAST(SUM(redemption_results.points) AS BIGINT) AS points
FROM redemption_results
CROSS JOIN run_context
WHERE redemption_results.month > run_context.year_ago_month
    AND redemption_results.month <= run_context.last_month
    AND redemption_results.cancels IS NULL
    AND redemption_results.status = 'accepted'
GROUP BY redemption_results.benefit, redemption_results.partner
ORDER BY points DESC, benefit, partner
