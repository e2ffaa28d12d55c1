-- purpose: The subscription, had the row that was read at the request had that grade
-- grain: one row per subscription
-- keys: subscription_id
-- inputs: replayed_subscriptions(subscription_id, customer_id, product, plan, plan_class, credit_grade,
--   opened_on, closed_on, updated_at, delivery), limit_record(updated_at),
--   limit_request_if_graded(better_grade)
-- policy: none
-- rules: M2, R2
SELECT
    CAST(replayed_subscriptions.subscription_id AS VARCHAR) AS subscription_id,
    CAST(replayed_subscriptions.customer_id AS VARCHAR) AS customer_id,
    CAST(replayed_subscriptions.product AS VARCHAR) AS product,
    CAST(replayed_subscriptions.plan AS VARCHAR) AS plan,
    CAST(replayed_subscriptions.plan_class AS VARCHAR) AS plan_class,
    CAST(
        CASE
            WHEN replayed_subscriptions.updated_at = limit_record.updated_at
                THEN limit_request_if_graded.better_grade
            ELSE replayed_subscriptions.credit_grade
        END
        AS BIGINT
    ) AS credit_grade,
    CAST(replayed_subscriptions.opened_on AS DATE) AS opened_on,
    CAST(replayed_subscriptions.closed_on AS DATE) AS closed_on,
    CAST(replayed_subscriptions.updated_at AS TIMESTAMP) AS updated_at,
    CAST(replayed_subscriptions.delivery AS BIGINT) AS delivery
FROM replayed_subscriptions
CROSS JOIN limit_record
CROSS JOIN limit_request_if_graded
