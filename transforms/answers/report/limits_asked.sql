-- purpose: The limits that were asked for in the last 13 months, and what was answered
-- grain: one row per limit, answer and reason
-- keys: requested_limit, status, reason
-- inputs: limit_results(month, requested_limit, status, reason),
--   run_context(last_month, year_ago_month)
-- policy: none
-- rules: M2
SELECT
    CAST(limit_results.requested_limit AS BIGINT) AS requested_limit,
    CAST(limit_results.status AS VARCHAR) AS status,
    CAST(limit_results.reason AS VARCHAR) AS reason,
    CAST(COUNT(*) AS BIGINT) AS requests
FROM limit_results
CROSS JOIN run_context
WHERE limit_results.month >= run_context.year_ago_month
    AND limit_results.month <= run_context.last_month
GROUP BY limit_results.requested_limit, limit_results.status, limit_results.reason
ORDER BY requested_limit, status, reason
