-- purpose: Why micropayments of the last 13 months were declined, arrears among the reasons
-- grain: one row per reason
-- keys: reason
-- inputs: micropayment_results(month, amount, status, reason),
--   run_context(last_month, year_ago_month)
-- policy: none
-- rules: M3, M4
SELECT
    CAST(micropayment_results.reason AS VARCHAR) AS reason,
    CAST(COUNT(*) AS BIGINT) AS payments,
    CAST(SUM(micropayment_results.amount) AS BIGINT) AS amount
FROM micropayment_results
CROSS JOIN run_context
WHERE micropayment_results.month >= run_context.year_ago_month
    AND micropayment_results.month <= run_context.last_month
    AND micropayment_results.status = 'declined'
GROUP BY micropayment_results.reason
ORDER BY payments DESC, reason
