-- purpose: The customer's bills as they would be with so many won less collected on a line that counts
-- grain: one row per current line, and one of the difference
-- keys: none
-- inputs: replayed_billing(billing_line_id, customer_id, subscription_id, product, charge_item,
--   billed_amount, collected_amount, due_on, collected_on, revision, delivery, billing_month),
--   tier_if_less(amount), asked(customer_id),
--   policy_tier_lines(product, charge_item, counts, valid_from, valid_to),
--   replayed_run_context(assessed_on, window_to)
-- policy: tier_lines
-- rules: T2, T3
WITH a_counting_pair AS (
    SELECT policy_tier_lines.product, policy_tier_lines.charge_item
    FROM policy_tier_lines
    CROSS JOIN replayed_run_context
    WHERE policy_tier_lines.counts
        AND policy_tier_lines.valid_from <= replayed_run_context.assessed_on
        AND (
            policy_tier_lines.valid_to IS NULL
            OR replayed_run_context.assessed_on < policy_tier_lines.valid_to
        )
    ORDER BY policy_tier_lines.product, policy_tier_lines.charge_item
    LIMIT 1
),

difference AS (
    SELECT
        'difference' AS billing_line_id,
        asked.customer_id,
        'difference' AS subscription_id,
        a_counting_pair.product,
        a_counting_pair.charge_item,
        -tier_if_less.amount AS amount,
        replayed_run_context.window_to AS billing_month
    FROM tier_if_less
    CROSS JOIN asked
    CROSS JOIN a_counting_pair
    CROSS JOIN replayed_run_context
),

lines AS (
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
        replayed_billing.billing_month
    FROM replayed_billing
    UNION ALL
    SELECT
        difference.billing_line_id,
        difference.customer_id,
        difference.subscription_id,
        difference.product,
        difference.charge_item,
        difference.amount AS billed_amount,
        difference.amount AS collected_amount,
        CAST(NULL AS DATE) AS due_on,
        CAST(NULL AS DATE) AS collected_on,
        0 AS revision,
        0 AS delivery,
        difference.billing_month
    FROM difference
)

SELECT
    CAST(lines.billing_line_id AS VARCHAR) AS billing_line_id,
    CAST(lines.customer_id AS VARCHAR) AS customer_id,
    CAST(lines.subscription_id AS VARCHAR) AS subscription_id,
    CAST(lines.product AS VARCHAR) AS product,
    CAST(lines.charge_item AS VARCHAR) AS charge_item,
    CAST(lines.billed_amount AS BIGINT) AS billed_amount,
    CAST(lines.collected_amount AS BIGINT) AS collected_amount,
    CAST(lines.due_on AS DATE) AS due_on,
    CAST(lines.collected_on AS DATE) AS collected_on,
    CAST(lines.revision AS BIGINT) AS revision,
    CAST(lines.delivery AS BIGINT) AS delivery,
    CAST(lines.billing_month AS VARCHAR) AS billing_month
FROM lines
