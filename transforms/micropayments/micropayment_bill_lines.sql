-- purpose: The month's approved payments, as the lines of the next month's bill
-- grain: one row per approved payment of the month
-- keys: payment_id
-- inputs: micropayment_results(payment_id, subscription_id, customer_id, amount, platform_fee,
--   status), run_context(billing_month)
-- policy: none
-- rules: M5
SELECT
    CAST(micropayment_results.payment_id AS VARCHAR) AS payment_id,
    CAST(micropayment_results.subscription_id AS VARCHAR) AS subscription_id,
    CAST(micropayment_results.customer_id AS VARCHAR) AS customer_id,
    CAST(run_context.billing_month AS VARCHAR) AS billing_month,
    CAST(micropayment_results.amount AS BIGINT) AS amount,
    CAST(micropayment_results.platform_fee AS BIGINT) AS platform_fee
FROM micropayment_results
CROSS JOIN run_context
WHERE micropayment_results.status = 'approved'
ORDER BY customer_id, payment_id
