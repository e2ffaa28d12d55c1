-- purpose: What was collected of those who have no tier, and why they have none
-- grain: one row per membership year and reason
-- keys: membership_year, reason
-- inputs: tier_exceptions(membership_year, reason, amount, lines), run_context(membership_year)
-- policy: none
-- rules: T7
SELECT
    CAST(tier_exceptions.membership_year AS BIGINT) AS membership_year,
    CAST(tier_exceptions.reason AS VARCHAR) AS reason,
    CAST(COUNT(*) AS BIGINT) AS customers,
    CAST(SUM(tier_exceptions.lines) AS BIGINT) AS lines,
    CAST(SUM(tier_exceptions.amount) AS BIGINT) AS collected
FROM tier_exceptions
CROSS JOIN run_context
WHERE tier_exceptions.membership_year <= run_context.membership_year
GROUP BY tier_exceptions.membership_year, tier_exceptions.reason
ORDER BY membership_year DESC, reason
