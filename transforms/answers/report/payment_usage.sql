-- purpose: Who uses micropayments, how much, and who is told of heavy use, over the last 13 months
-- grain: one row per month
-- keys: month
-- inputs: micropayment_usage(month, limit_in_force, approved_total, payments, usage_notice),
--   run_context(last_month, year_ago_month)
-- policy: none
-- rules: M5
SELECT
    CAST(micropayment_usage.month AS VARCHAR) AS month,
    CAST(COUNT(*) AS BIGINT) AS subscriptions,
    CAST(SUM(micropayment_usage.payments) AS BIGINT) AS payments,
    CAST(SUM(micropayment_usage.approved_total) AS BIGINT) AS approved,
    CAST(SUM(micropayment_usage.limit_in_force) AS BIGINT) AS limits_in_force,
    CAST(SUM(CASE WHEN micropayment_usage.usage_notice THEN 1 ELSE 0 END) AS BIGINT)
        AS usage_notices
FROM micropayment_usage
CROSS JOIN run_context
WHERE micropayment_usage.month >= run_context.year_ago_month
    AND micropayment_usage.month <= run_context.last_month
GROUP BY micropayment_usage.month
ORDER BY month
