-- purpose: The customer's bill lines of the window, each with whether it counts
-- grain: one row per current line with a billing_month in the window
-- keys: billing_month, billing_line_id
-- inputs: replayed_billing(billing_line_id, product, charge_item, billing_month, billed_amount,
--   collected_amount, revision, delivery),
--   policy_tier_lines(product, charge_item, counts, valid_from, valid_to),
--   replayed_run_context(assessed_on, window_from, window_to)
-- policy: tier_lines
-- rules: T1, T2
SELECT
    CAST(CASE WHEN policy_tier_lines.counts THEN 'counts' ELSE 'other' END AS VARCHAR) AS said,
    CAST(COALESCE(policy_tier_lines.counts, FALSE) AS BOOLEAN) AS passed,
    CAST(replayed_billing.billing_month AS VARCHAR) AS billing_month,
    CAST(replayed_billing.billing_line_id AS VARCHAR) AS billing_line_id,
    CAST(replayed_billing.product AS VARCHAR) AS product,
    CAST(replayed_billing.charge_item AS VARCHAR) AS charge_item,
    CAST(replayed_billing.billed_amount AS BIGINT) AS billed_amount,
    CAST(replayed_billing.collected_amount AS BIGINT) AS collected_amount,
    CAST(replayed_billing.revision AS BIGINT) AS revision,
    CAST(replayed_billing.delivery AS BIGINT) AS delivery
FROM replayed_billing
CROSS JOIN replayed_run_context
LEFT JOIN policy_tier_lines
    ON replayed_billing.product = policy_tier_lines.product
    AND replayed_billing.charge_item = policy_tier_lines.charge_item
    AND policy_tier_lines.valid_from <= replayed_run_context.assessed_on
    AND (
        policy_tier_lines.valid_to IS NULL
        OR replayed_run_context.assessed_on < policy_tier_lines.valid_to
    )
WHERE replayed_billing.billing_month >= replayed_run_context.window_from
    AND replayed_billing.billing_month <= replayed_run_context.window_to
ORDER BY passed DESC, billing_month, billing_line_id
