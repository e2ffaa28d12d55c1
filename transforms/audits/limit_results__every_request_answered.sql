-- purpose: Every limit request of the month is answered, and no other
-- grain: one row per request that was only delivered, or only answered
-- keys: request_id
-- inputs: limit_results(request_id, subscription_id, requested_limit),
--   limit_requests(request_id, subscription_id, requested_limit)
-- policy: none
-- rules: M2
SELECT
    CAST(COALESCE(limit_results.request_id, limit_requests.request_id) AS VARCHAR) AS request_id,
    CAST(limit_requests.subscription_id AS VARCHAR) AS delivered_subscription_id,
    CAST(limit_results.subscription_id AS VARCHAR) AS answered_subscription_id
FROM limit_results
FULL JOIN limit_requests
    ON limit_results.request_id = limit_requests.request_id
    AND limit_results.subscription_id = limit_requests.subscription_id
    AND limit_results.requested_limit = limit_requests.requested_limit
WHERE limit_results.request_id IS NULL OR limit_requests.request_id IS NULL
ORDER BY request_id
