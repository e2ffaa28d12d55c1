-- purpose: What each subscription that asks for something in the month was, and whose, from when until
--   when, and the days on which that customer was in arrears
-- grain: one row per subscription with a payment or a limit request in the month, and row of it
-- keys: subscription_id, holds_from
-- inputs: micropayments(subscription_id), limit_requests(subscription_id),
--   subscriptions(subscription_id, customer_id, product, plan_class, credit_grade, opened_on,
--   closed_on, updated_at), subscriptions_history(subscription_id, customer_id, product, plan_class,
--   credit_grade, updated_at), arrears_days(customer_id, arrears_days)
-- policy: none
-- rules: M4, R1, R2
-- kept: table
WITH asking AS (
    SELECT micropayments.subscription_id
    FROM micropayments
    UNION
    SELECT limit_requests.subscription_id
    FROM limit_requests
),

records AS (
    SELECT
        subscriptions.subscription_id,
        subscriptions.customer_id,
        subscriptions.product,
        subscriptions.plan_class,
        subscriptions.credit_grade,
        subscriptions.updated_at
    FROM subscriptions
    INNER JOIN asking ON subscriptions.subscription_id = asking.subscription_id
    UNION ALL
    SELECT
        subscriptions_history.subscription_id,
        subscriptions_history.customer_id,
        subscriptions_history.product,
        subscriptions_history.plan_class,
        subscriptions_history.credit_grade,
        subscriptions_history.updated_at
    FROM subscriptions_history
    INNER JOIN asking ON subscriptions_history.subscription_id = asking.subscription_id
),

in_turn AS (
    SELECT
        records.subscription_id,
        records.customer_id,
        records.product,
        records.plan_class,
        records.credit_grade,
        records.updated_at,
        ROW_NUMBER() OVER (
            PARTITION BY records.subscription_id
            ORDER BY records.updated_at
        ) AS place,
        LEAD(records.updated_at) OVER (
            PARTITION BY records.subscription_id
            ORDER BY records.updated_at
        ) AS holds_until
    FROM records
)

SELECT
    CAST(in_turn.subscription_id AS VARCHAR) AS subscription_id,
    CAST(in_turn.customer_id AS VARCHAR) AS customer_id,
    CAST(in_turn.product = 'mobile' AS BOOLEAN) AS is_mobile,
    CAST(in_turn.plan_class AS VARCHAR) AS plan_class,
    CAST(in_turn.credit_grade AS BIGINT) AS credit_grade,
    CAST(subscriptions.opened_on AS DATE) AS opened_on,
    CAST(subscriptions.closed_on AS DATE) AS closed_on,
    -- before the first row holds what is in that
    CAST(CASE WHEN in_turn.place > 1 THEN in_turn.updated_at END AS TIMESTAMP) AS holds_from,
    CAST(in_turn.holds_until AS TIMESTAMP) AS holds_until,
    CAST(COALESCE(arrears_days.arrears_days, 0) AS BIGINT) AS arrears_days
FROM in_turn
INNER JOIN subscriptions ON in_turn.subscription_id = subscriptions.subscription_id
LEFT JOIN arrears_days ON in_turn.customer_id = arrears_days.customer_id
