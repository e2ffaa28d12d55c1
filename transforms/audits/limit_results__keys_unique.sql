-- purpose: No request has two rows in limit_results
-- grain: one row per request with more than one row; none where the claim holds
-- keys: request_id
-- inputs: limit_results(request_id)
-- policy: none
-- rules: M2, Q1
SELECT
    CAST(limit_results.request_id AS VARCHAR) AS request_id,
    CAST(COUNT(*) AS BIGINT) AS copies
FROM limit_results
GROUP BY limit_results.request_id
HAVING COUNT(*) > 1
ORDER BY request_id
