-- purpose: The month's redemptions, cancellations and refund applications, and the redemptions of
--   earlier months that its cancellations name, as one list
-- grain: one row per delivered redemption, cancellation or refund application of the month, and per
--   redemption of an earlier month that is named
-- keys: event_id, action
-- inputs: redemptions(redemption_id, customer_id, used_at, benefit, partner, points, cancels),
--   refund_applications(application_id, customer_id, applied_at, points, method, contact, address),
--   earlier_redemptions(redemption_id, customer_id, used_at, action)
-- policy: none
-- rules: P2, P4, P5, P6
WITH requests AS (
    SELECT
        redemptions.customer_id,
        redemptions.redemption_id AS event_id,
        redemptions.used_at AS occurred_at,
        CASE WHEN redemptions.cancels IS NULL THEN 'spend' ELSE 'cancel' END AS action,
        redemptions.points AS amount,
        redemptions.benefit,
        redemptions.partner,
        redemptions.cancels,
        -- the redemption that a cancellation names, or the one that may be named
        COALESCE(redemptions.cancels, redemptions.redemption_id) AS ticketed_id,
        CAST(NULL AS VARCHAR) AS method,
        CAST(NULL AS VARCHAR) AS contact,
        CAST(NULL AS VARCHAR) AS address
    FROM redemptions
    UNION ALL
    SELECT
        refund_applications.customer_id,
        refund_applications.application_id AS event_id,
        refund_applications.applied_at AS occurred_at,
        'spend_refundable' AS action,
        refund_applications.points AS amount,
        CAST(NULL AS VARCHAR) AS benefit,
        CAST(NULL AS VARCHAR) AS partner,
        CAST(NULL AS VARCHAR) AS cancels,
        CAST(NULL AS VARCHAR) AS ticketed_id,
        refund_applications.method,
        refund_applications.contact,
        refund_applications.address
    FROM refund_applications
    UNION ALL
    SELECT
        earlier_redemptions.customer_id,
        earlier_redemptions.redemption_id AS event_id,
        earlier_redemptions.used_at AS occurred_at,
        earlier_redemptions.action,
        0 AS amount,
        CAST(NULL AS VARCHAR) AS benefit,
        CAST(NULL AS VARCHAR) AS partner,
        CAST(NULL AS VARCHAR) AS cancels,
        earlier_redemptions.redemption_id AS ticketed_id,
        CAST(NULL AS VARCHAR) AS method,
        CAST(NULL AS VARCHAR) AS contact,
        CAST(NULL AS VARCHAR) AS address
    FROM earlier_redemptions
)

SELECT
    CAST(requests.customer_id AS VARCHAR) AS customer_id,
    CAST(requests.event_id AS VARCHAR) AS event_id,
    CAST(requests.occurred_at AS TIMESTAMP) AS occurred_at,
    CAST(requests.action AS VARCHAR) AS action,
    CAST(requests.amount AS BIGINT) AS amount,
    CAST(requests.benefit AS VARCHAR) AS benefit,
    CAST(requests.partner AS VARCHAR) AS partner,
    CAST(requests.cancels AS VARCHAR) AS cancels,
    CAST(requests.ticketed_id AS VARCHAR) AS ticketed_id,
    CAST(requests.method AS VARCHAR) AS method,
    CAST(requests.contact AS VARCHAR) AS contact,
    CAST(requests.address AS VARCHAR) AS address
FROM requests
