-- purpose: The month's redemptions, cancellations and refund applications, and the redemptions of
--   earlier months that its cancellations name, as one list
-- grain: one row per delivered redemption, cancellation or refund application of the month, and per
--   redemption of an earlier month that is named
-- keys: event_id, action
-- inputs: all_requests(redemption_id, application_id, customer_id, used_at, applied_at, benefit,
--   partner, points, cancels, method, contact, address, action)
-- policy: none
-- rules: P2, P4, P5, P6
SELECT
    CAST(all_requests.customer_id AS VARCHAR) AS customer_id,
    CAST(COALESCE(all_requests.redemption_id, all_requests.application_id) AS VARCHAR) AS event_id,
    CAST(COALESCE(all_requests.used_at, all_requests.applied_at) AS TIMESTAMP) AS occurred_at,
    CAST(
        CASE
            -- only a redemption of an earlier month has one yet
            WHEN all_requests.action IS NOT NULL THEN all_requests.action
            WHEN all_requests.application_id IS NOT NULL THEN 'spend_refundable'
            WHEN all_requests.cancels IS NULL THEN 'spend'
            ELSE 'cancel'
        END
        AS VARCHAR
    ) AS action,
    CAST(COALESCE(all_requests.points, 0) AS BIGINT) AS amount,
    CAST(all_requests.benefit AS VARCHAR) AS benefit,
    CAST(all_requests.partner AS VARCHAR) AS partner,
    CAST(all_requests.cancels AS VARCHAR) AS cancels,
    -- the redemption that a cancellation names, or the one that may be named
    CAST(COALESCE(all_requests.cancels, all_requests.redemption_id) AS VARCHAR) AS ticketed_id,
    CAST(all_requests.method AS VARCHAR) AS method,
    CAST(all_requests.contact AS VARCHAR) AS contact,
    CAST(all_requests.address AS VARCHAR) AS address
FROM all_requests
