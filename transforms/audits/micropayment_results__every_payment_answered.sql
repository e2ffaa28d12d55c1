-- purpose: Every payment of the month is answered, as it was delivered, and no other
-- grain: one row per subscription whose answered payments are not those that were delivered
-- keys: subscription_id
-- inputs: micropayment_results(subscription_id, amount, platform_fee),
--   micropayments(subscription_id, amount, platform_fee)
-- policy: none
-- rules: M3
WITH answered AS (
    SELECT
        micropayment_results.subscription_id,
        COUNT(*) AS payments,
        SUM(micropayment_results.amount) AS amount,
        SUM(micropayment_results.platform_fee) AS platform_fee
    FROM micropayment_results
    GROUP BY micropayment_results.subscription_id
),

delivered AS (
    SELECT
        micropayments.subscription_id,
        COUNT(*) AS payments,
        SUM(micropayments.amount) AS amount,
        SUM(micropayments.platform_fee) AS platform_fee
    FROM micropayments
    GROUP BY micropayments.subscription_id
)

SELECT
    CAST(COALESCE(delivered.subscription_id, answered.subscription_id) AS VARCHAR)
        AS subscription_id,
    CAST(delivered.payments AS BIGINT) AS delivered_payments,
    CAST(answered.payments AS BIGINT) AS answered_payments
FROM delivered
FULL JOIN answered ON delivered.subscription_id = answered.subscription_id
WHERE delivered.payments IS DISTINCT FROM answered.payments
    OR delivered.amount IS DISTINCT FROM answered.amount
    OR delivered.platform_fee IS DISTINCT FROM answered.platform_fee
ORDER BY subscription_id
