-- purpose: The month's requests in the order in which the fold takes them
-- grain: one row per request, and per redemption of an earlier month that one of them cancels
-- keys: event_id, is_refund
-- inputs: point_requests(customer_id, event_id, occurred_at, action, amount, quota, quota_limit,
--   refusal, benefit, partner, cancels, method, is_refund),
--   earlier_redemptions(redemption_id, customer_id, used_at, action),
--   tickets(redemption_id, ticket)
-- policy: none
-- rules: P2
WITH
-- materialized, as DuckDB can't spill the sort of a union
events AS MATERIALIZED (
    SELECT
        point_requests.customer_id,
        point_requests.event_id,
        point_requests.occurred_at,
        point_requests.action,
        point_requests.amount,
        point_requests.quota,
        point_requests.quota_limit,
        point_requests.refusal,
        point_requests.benefit,
        point_requests.partner,
        point_requests.cancels,
        point_requests.method,
        point_requests.is_refund,
        -- the redemption that a cancellation names, or the one that may be named
        CASE
            WHEN NOT point_requests.is_refund
                THEN COALESCE(point_requests.cancels, point_requests.event_id)
        END AS ticketed_id
    FROM point_requests
    UNION ALL
    SELECT
        earlier_redemptions.customer_id,
        earlier_redemptions.redemption_id AS event_id,
        earlier_redemptions.used_at AS occurred_at,
        earlier_redemptions.action,
        0 AS amount,
        CAST(NULL AS VARCHAR) AS quota,
        CAST(NULL AS BIGINT) AS quota_limit,
        CAST(NULL AS VARCHAR) AS refusal,
        CAST(NULL AS VARCHAR) AS benefit,
        CAST(NULL AS VARCHAR) AS partner,
        CAST(NULL AS VARCHAR) AS cancels,
        CAST(NULL AS VARCHAR) AS method,
        FALSE AS is_refund,
        earlier_redemptions.redemption_id AS ticketed_id
    FROM earlier_redemptions
)

SELECT
    CAST(events.customer_id AS VARCHAR) AS customer_id,
    CAST(events.event_id AS VARCHAR) AS event_id,
    CAST(events.occurred_at AS TIMESTAMP) AS occurred_at,
    CAST(events.occurred_at AS DATE) AS on_day,
    CAST(events.action AS VARCHAR) AS action,
    CAST(events.amount AS BIGINT) AS amount,
    CAST(events.quota AS VARCHAR) AS quota,
    CAST(events.quota_limit AS BIGINT) AS quota_limit,
    CAST(events.refusal AS VARCHAR) AS refusal,
    CAST(tickets.ticket AS BIGINT) AS ticket,
    CAST(events.benefit AS VARCHAR) AS benefit,
    CAST(events.partner AS VARCHAR) AS partner,
    CAST(events.cancels AS VARCHAR) AS cancels,
    CAST(events.method AS VARCHAR) AS method,
    CAST(events.is_refund AS BOOLEAN) AS is_refund
FROM events
LEFT JOIN tickets ON events.ticketed_id = tickets.redemption_id
ORDER BY
    events.customer_id,
    events.occurred_at,
    events.is_refund,
    events.cancels IS NOT NULL,
    events.event_id
