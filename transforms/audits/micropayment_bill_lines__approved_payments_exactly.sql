-- purpose: What goes onto the next bill is what was approved, won for won, fees apart
-- grain: one row per customer and subscription of which that is not so, or not in the next month
-- keys: customer_id, subscription_id
-- inputs: micropayment_bill_lines(subscription_id, customer_id, billing_month, amount,
--   platform_fee), micropayment_results(subscription_id, customer_id, amount, platform_fee, status),
--   run_context(billing_month)
-- policy: none
-- rules: M5
WITH billed AS (
    SELECT
        micropayment_bill_lines.customer_id,
        micropayment_bill_lines.subscription_id,
        COUNT(*) AS lines,
        SUM(micropayment_bill_lines.amount) AS amount,
        SUM(micropayment_bill_lines.platform_fee) AS platform_fee,
        MIN(micropayment_bill_lines.billing_month) AS first_month,
        MAX(micropayment_bill_lines.billing_month) AS last_month
    FROM micropayment_bill_lines
    GROUP BY micropayment_bill_lines.customer_id, micropayment_bill_lines.subscription_id
),

approved AS (
    SELECT
        micropayment_results.customer_id,
        micropayment_results.subscription_id,
        COUNT(*) AS lines,
        SUM(micropayment_results.amount) AS amount,
        SUM(micropayment_results.platform_fee) AS platform_fee
    FROM micropayment_results
    WHERE micropayment_results.status = 'approved'
    GROUP BY micropayment_results.customer_id, micropayment_results.subscription_id
)

SELECT
    CAST(COALESCE(billed.customer_id, approved.customer_id) AS VARCHAR) AS customer_id,
    CAST(COALESCE(billed.subscription_id, approved.subscription_id) AS VARCHAR) AS subscription_id,
    CAST(billed.amount AS BIGINT) AS billed_amount,
    CAST(approved.amount AS BIGINT) AS approved_amount
FROM billed
FULL JOIN approved
    ON billed.subscription_id = approved.subscription_id
    AND billed.customer_id = approved.customer_id
CROSS JOIN run_context
WHERE billed.lines IS DISTINCT FROM approved.lines
    OR billed.amount IS DISTINCT FROM approved.amount
    OR billed.platform_fee IS DISTINCT FROM approved.platform_fee
    OR billed.first_month IS DISTINCT FROM run_context.billing_month
    OR billed.last_month IS DISTINCT FROM run_context.billing_month
ORDER BY customer_id, subscription_id
