-- purpose: What the subscription was, and whose, at the moment that is asked about
-- grain: one row, none for an id that no subscription has
-- keys: subscription_id
-- inputs: limit_event(requested_at), replayed_subscription_records(subscription_id, customer_id,
--   is_mobile, plan_class, credit_grade, opened_on, closed_on, holds_from, holds_until),
--   replayed_subscriptions(product, updated_at),
--   replayed_subscriptions_history(product, updated_at)
-- policy: none
-- rules: R1, R2
WITH rows_by_moment AS (
    SELECT replayed_subscriptions.product, replayed_subscriptions.updated_at
    FROM replayed_subscriptions
    UNION ALL
    SELECT replayed_subscriptions_history.product, replayed_subscriptions_history.updated_at
    FROM replayed_subscriptions_history
),

first_rows AS (
    SELECT MIN(rows_by_moment.updated_at) AS updated_at
    FROM rows_by_moment
)

SELECT
    CAST(replayed_subscription_records.subscription_id AS VARCHAR) AS subscription_id,
    CAST(replayed_subscription_records.customer_id AS VARCHAR) AS customer_id,
    CAST(replayed_subscription_records.is_mobile AS BOOLEAN) AS is_mobile,
    CAST(rows_by_moment.product AS VARCHAR) AS product,
    CAST(replayed_subscription_records.plan_class AS VARCHAR) AS plan_class,
    CAST(replayed_subscription_records.credit_grade AS BIGINT) AS credit_grade,
    CAST(replayed_subscription_records.opened_on AS DATE) AS opened_on,
    CAST(replayed_subscription_records.closed_on AS DATE) AS closed_on,
    CAST(rows_by_moment.updated_at AS TIMESTAMP) AS updated_at
FROM limit_event
INNER JOIN replayed_subscription_records
    ON (
        replayed_subscription_records.holds_from IS NULL
        OR replayed_subscription_records.holds_from <= limit_event.requested_at
    )
    AND (
        replayed_subscription_records.holds_until IS NULL
        OR limit_event.requested_at < replayed_subscription_records.holds_until
    )
CROSS JOIN first_rows
INNER JOIN rows_by_moment
    ON COALESCE(replayed_subscription_records.holds_from, first_rows.updated_at)
    = rows_by_moment.updated_at
