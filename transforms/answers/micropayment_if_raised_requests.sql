-- purpose: The month's limit requests, and one for that limit just before the payment
-- grain: one row per request
-- keys: request_id
-- inputs: replayed_limit_requests(request_id, subscription_id, requested_at, requested_limit, delivery),
--   limit_event(subscription_id, requested_at), micropayment_if_raised(requested_limit)
-- policy: none
-- rules: M2, M3
WITH requests AS (
    SELECT
        replayed_limit_requests.request_id,
        replayed_limit_requests.subscription_id,
        replayed_limit_requests.requested_at,
        replayed_limit_requests.requested_limit,
        replayed_limit_requests.delivery
    FROM replayed_limit_requests
    UNION ALL
    SELECT
        -- behind every other of that time
        '~' AS request_id,
        limit_event.subscription_id,
        limit_event.requested_at,
        micropayment_if_raised.requested_limit,
        0 AS delivery
    FROM limit_event
    CROSS JOIN micropayment_if_raised
)

SELECT
    CAST(requests.request_id AS VARCHAR) AS request_id,
    CAST(requests.subscription_id AS VARCHAR) AS subscription_id,
    CAST(requests.requested_at AS TIMESTAMP) AS requested_at,
    CAST(requests.requested_limit AS BIGINT) AS requested_limit,
    CAST(requests.delivery AS BIGINT) AS delivery
FROM requests
