-- purpose: A month's answers to payments, for the summary
-- grain: one row per status and reason
-- keys: status, reason
-- inputs: micropayment_results(status, reason)
-- policy: none
-- rules: M3
SELECT
    CAST(micropayment_results.status AS VARCHAR) AS status,
    CAST(micropayment_results.reason AS VARCHAR) AS reason,
    CAST(COUNT(*) AS BIGINT) AS payments
FROM micropayment_results
GROUP BY micropayment_results.status, micropayment_results.reason
ORDER BY status, reason
