-- purpose: The subscription's replaced rows, had the one that was read at the request had that grade
-- grain: one row per replaced row
-- keys: subscription_id, updated_at
-- inputs: replayed_subscriptions_history(subscription_id, customer_id, product, plan, plan_class,
--   credit_grade, opened_on, closed_on, updated_at, delivery, replaced_by), limit_record(updated_at),
--   limit_request_if_graded(better_grade)
-- policy: none
-- rules: M2, R2
SELECT
    CAST(replayed_subscriptions_history.subscription_id AS VARCHAR) AS subscription_id,
    CAST(replayed_subscriptions_history.customer_id AS VARCHAR) AS customer_id,
    CAST(replayed_subscriptions_history.product AS VARCHAR) AS product,
    CAST(replayed_subscriptions_history.plan AS VARCHAR) AS plan,
    CAST(replayed_subscriptions_history.plan_class AS VARCHAR) AS plan_class,
    CAST(
        CASE
            WHEN replayed_subscriptions_history.updated_at = limit_record.updated_at
                THEN limit_request_if_graded.better_grade
            ELSE replayed_subscriptions_history.credit_grade
        END
        AS BIGINT
    ) AS credit_grade,
    CAST(replayed_subscriptions_history.opened_on AS DATE) AS opened_on,
    CAST(replayed_subscriptions_history.closed_on AS DATE) AS closed_on,
    CAST(replayed_subscriptions_history.updated_at AS TIMESTAMP) AS updated_at,
    CAST(replayed_subscriptions_history.delivery AS BIGINT) AS delivery,
    CAST(replayed_subscriptions_history.replaced_by AS BIGINT) AS replaced_by
FROM replayed_subscriptions_history
CROSS JOIN limit_record
CROSS JOIN limit_request_if_graded
