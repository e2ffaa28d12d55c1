-- purpose: No request has two rows in award_results
-- grain: one row per request with more than one row; none where the claim holds
-- keys: request_id
-- inputs: award_results(request_id)
-- policy: none
-- rules: W5, Q1
SELECT
    CAST(award_results.request_id AS VARCHAR) AS request_id,
    CAST(COUNT(*) AS BIGINT) AS copies
FROM award_results
GROUP BY award_results.request_id
HAVING COUNT(*) > 1
ORDER BY request_id
