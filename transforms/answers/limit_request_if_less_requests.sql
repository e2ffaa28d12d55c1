-- purpose: The month's limit requests as they would be had this one been for that limit
-- grain: one row per request
-- keys: request_id
-- inputs: replayed_limit_requests(request_id, subscription_id, requested_at, requested_limit, delivery),
--   asked(asked_id), limit_request_if_less(requested_limit)
-- policy: none
-- rules: M2
SELECT
    CAST(replayed_limit_requests.request_id AS VARCHAR) AS request_id,
    CAST(replayed_limit_requests.subscription_id AS VARCHAR) AS subscription_id,
    CAST(replayed_limit_requests.requested_at AS TIMESTAMP) AS requested_at,
    CAST(
        CASE
            WHEN replayed_limit_requests.request_id = asked.asked_id
                THEN limit_request_if_less.requested_limit
            ELSE replayed_limit_requests.requested_limit
        END
        AS BIGINT
    ) AS requested_limit,
    CAST(replayed_limit_requests.delivery AS BIGINT) AS delivery
FROM replayed_limit_requests
CROSS JOIN asked
CROSS JOIN limit_request_if_less
