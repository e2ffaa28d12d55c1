-- purpose: The totals of a month of bills are those of its current lines, to the won
-- grain: one row per product and charge item of which that is not so; none where the claim holds
-- keys: product, charge_item
-- inputs: billing_totals(product, charge_item, lines, billed_amount, collected_amount),
--   billing(product, charge_item, billed_amount, collected_amount)
-- policy: none
-- rules: T7
WITH summed AS (
    SELECT
        billing.product,
        billing.charge_item,
        COUNT(*) AS lines,
        SUM(billing.billed_amount) AS billed_amount,
        SUM(billing.collected_amount) AS collected_amount
    FROM billing
    GROUP BY billing.product, billing.charge_item
)

SELECT
    CAST(COALESCE(billing_totals.product, summed.product) AS VARCHAR) AS product,
    CAST(COALESCE(billing_totals.charge_item, summed.charge_item) AS VARCHAR) AS charge_item,
    CAST(billing_totals.lines AS BIGINT) AS lines,
    CAST(summed.lines AS BIGINT) AS staged_lines,
    CAST(billing_totals.collected_amount AS DECIMAL(38, 0)) AS collected_amount,
    CAST(summed.collected_amount AS DECIMAL(38, 0)) AS staged_collected_amount
FROM billing_totals
FULL JOIN summed
    ON billing_totals.product = summed.product
    AND billing_totals.charge_item = summed.charge_item
WHERE billing_totals.lines IS DISTINCT FROM summed.lines
    OR billing_totals.billed_amount IS DISTINCT FROM summed.billed_amount
    OR billing_totals.collected_amount IS DISTINCT FROM summed.collected_amount
ORDER BY product, charge_item
