-- purpose: The customer's bills as they would be with every counting line wholly collected
-- grain: one row per current line
-- keys: billing_month, billing_line_id
-- inputs: replayed_billing(billing_line_id, customer_id, subscription_id, product, charge_item,
--   billed_amount, collected_amount, due_on, collected_on, revision, delivery, billing_month),
--   tier_lines(passed, billing_month, billing_line_id)
-- policy: none
-- rules: T3
WITH lines AS (
    SELECT
        replayed_billing.billing_line_id,
        replayed_billing.customer_id,
        replayed_billing.subscription_id,
        replayed_billing.product,
        replayed_billing.charge_item,
        replayed_billing.billed_amount,
        replayed_billing.collected_amount,
        replayed_billing.due_on,
        replayed_billing.collected_on,
        replayed_billing.revision,
        replayed_billing.delivery,
        replayed_billing.billing_month,
        tier_lines.passed
        AND replayed_billing.billed_amount > replayed_billing.collected_amount AS is_unpaid
    FROM replayed_billing
    LEFT JOIN tier_lines
        ON replayed_billing.billing_month = tier_lines.billing_month
        AND replayed_billing.billing_line_id = tier_lines.billing_line_id
)

SELECT
    CAST(lines.billing_line_id AS VARCHAR) AS billing_line_id,
    CAST(lines.customer_id AS VARCHAR) AS customer_id,
    CAST(lines.subscription_id AS VARCHAR) AS subscription_id,
    CAST(lines.product AS VARCHAR) AS product,
    CAST(lines.charge_item AS VARCHAR) AS charge_item,
    CAST(lines.billed_amount AS BIGINT) AS billed_amount,
    CAST(CASE WHEN lines.is_unpaid THEN lines.billed_amount ELSE lines.collected_amount END AS BIGINT) AS collected_amount,
    CAST(lines.due_on AS DATE) AS due_on,
    CAST(lines.collected_on AS DATE) AS collected_on,
    CAST(lines.revision AS BIGINT) AS revision,
    CAST(lines.delivery AS BIGINT) AS delivery,
    CAST(lines.billing_month AS VARCHAR) AS billing_month
FROM lines
ORDER BY billing_month, billing_line_id
