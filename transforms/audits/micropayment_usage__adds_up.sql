-- purpose: A subscription's usage is what its payments came to, and the last running total
-- grain: one row per known subscription of which that is not so
-- keys: subscription_id
-- inputs: micropayment_usage(subscription_id, approved_total, payments, recurring_payments),
--   micropayment_results(subscription_id, customer_id, amount, recurring, status, approved_total)
-- policy: none
-- rules: M3, M5
WITH payments AS (
    SELECT
        micropayment_results.subscription_id,
        COUNT(*) AS payments,
        SUM(CASE WHEN micropayment_results.recurring THEN 1 ELSE 0 END) AS recurring_payments,
        SUM(
            CASE
                WHEN micropayment_results.status = 'approved' THEN micropayment_results.amount
                ELSE 0
            END
        ) AS approved_amount,
        MAX(micropayment_results.approved_total) AS last_total
    FROM micropayment_results
    WHERE micropayment_results.customer_id IS NOT NULL
    GROUP BY micropayment_results.subscription_id
)

SELECT
    CAST(COALESCE(micropayment_usage.subscription_id, payments.subscription_id) AS VARCHAR)
        AS subscription_id,
    CAST(micropayment_usage.approved_total AS BIGINT) AS approved_total,
    CAST(payments.approved_amount AS BIGINT) AS approved_amount,
    CAST(payments.last_total AS BIGINT) AS last_total,
    CAST(micropayment_usage.payments AS BIGINT) AS payments,
    CAST(payments.payments AS BIGINT) AS answered_payments
FROM micropayment_usage
FULL JOIN payments ON micropayment_usage.subscription_id = payments.subscription_id
WHERE micropayment_usage.payments IS DISTINCT FROM payments.payments
    OR micropayment_usage.recurring_payments IS DISTINCT FROM payments.recurring_payments
    OR micropayment_usage.approved_total IS DISTINCT FROM payments.approved_amount
    OR micropayment_usage.approved_total IS DISTINCT FROM payments.last_total
ORDER BY subscription_id
