-- purpose: A month's answers to limit requests, for the summary
-- grain: one row per status and reason
-- keys: status, reason
-- inputs: limit_results(status, reason)
-- policy: none
-- rules: M2
SELECT
    CAST(limit_results.status AS VARCHAR) AS status,
    CAST(limit_results.reason AS VARCHAR) AS reason,
    CAST(COUNT(*) AS BIGINT) AS requests
FROM limit_results
GROUP BY limit_results.status, limit_results.reason
ORDER BY status, reason
