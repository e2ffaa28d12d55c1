-- purpose: An approved request is the limit after it; one at or below the limit is not refused, but
--   for an unknown subscription
-- grain: one row per request of which that is not so
-- keys: request_id
-- inputs: limit_results(request_id, requested_limit, status, reason, limit_after)
-- policy: none
-- rules: M2
SELECT
    CAST(limit_results.request_id AS VARCHAR) AS request_id,
    CAST(limit_results.requested_limit AS BIGINT) AS requested_limit,
    CAST(limit_results.status AS VARCHAR) AS status,
    CAST(limit_results.reason AS VARCHAR) AS reason,
    CAST(limit_results.limit_after AS BIGINT) AS limit_after
FROM limit_results
WHERE (limit_results.status = 'approved') <> (limit_results.reason IS NULL)
    OR CASE
        WHEN limit_results.status = 'approved'
            THEN limit_results.limit_after IS DISTINCT FROM limit_results.requested_limit
        WHEN limit_results.reason = 'unknown_subscription'
            THEN limit_results.limit_after IS NOT NULL
        ELSE limit_results.limit_after IS NULL
            OR limit_results.requested_limit <= limit_results.limit_after
    END
ORDER BY request_id
