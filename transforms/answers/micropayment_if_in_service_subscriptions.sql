-- purpose: The subscription, had it been in service on the day of the payment
-- grain: one row per subscription
-- keys: subscription_id
-- inputs: replayed_subscriptions(subscription_id, customer_id, product, plan, plan_class, credit_grade,
--   opened_on, closed_on, updated_at, delivery), micropayment_if_in_service(said, on_day)
-- policy: none
-- rules: M3
SELECT
    CAST(replayed_subscriptions.subscription_id AS VARCHAR) AS subscription_id,
    CAST(replayed_subscriptions.customer_id AS VARCHAR) AS customer_id,
    CAST(replayed_subscriptions.product AS VARCHAR) AS product,
    CAST(replayed_subscriptions.plan AS VARCHAR) AS plan,
    CAST(replayed_subscriptions.plan_class AS VARCHAR) AS plan_class,
    CAST(replayed_subscriptions.credit_grade AS BIGINT) AS credit_grade,
    CAST(
        CASE micropayment_if_in_service.said
            WHEN 'before' THEN micropayment_if_in_service.on_day
            ELSE replayed_subscriptions.opened_on
        END
        AS DATE
    ) AS opened_on,
    CAST(
        CASE micropayment_if_in_service.said
            WHEN 'closed' THEN NULL
            ELSE replayed_subscriptions.closed_on
        END
        AS DATE
    ) AS closed_on,
    CAST(replayed_subscriptions.updated_at AS TIMESTAMP) AS updated_at,
    CAST(replayed_subscriptions.delivery AS BIGINT) AS delivery
FROM replayed_subscriptions
CROSS JOIN micropayment_if_in_service
