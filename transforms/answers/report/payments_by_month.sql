-- purpose: Micropayments by month and answer, over the last 13 months
-- grain: one row per month and answer
-- keys: month, status
-- inputs: micropayment_results(month, amount, status),
--   run_context(last_month, year_ago_month)
-- policy: none
-- rules: M3
SELECT
    CAST(micropayment_results.month AS VARCHAR) AS month,
    CAST(micropayment_results.status AS VARCHAR) AS status,
    CAST(COUNT(*) AS BIGINT) AS payments,
    CAST(SUM(micropayment_results.amount) AS BIGINT) AS amount
FROM micropayment_results
CROSS JOIN run_context
WHERE micropayment_results.month >= run_context.year_ago_month
    AND micropayment_results.month <= run_context.last_month
GROUP BY micropayment_results.month, micropayment_results.status
ORDER BY month, status
