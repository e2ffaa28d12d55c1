-- purpose: What a month's current billing lines add up to; T7 and T8 read it, not the lines
-- grain: one row per billing month, product and charge item
-- keys: product, charge_item
-- inputs: billing(product, charge_item, billed_amount, collected_amount)
-- policy: none
-- rules: T7, T8
SELECT
    CAST(billing.product AS VARCHAR) AS product,
    CAST(billing.charge_item AS VARCHAR) AS charge_item,
    CAST(COUNT(*) AS BIGINT) AS lines,
    CAST(SUM(billing.billed_amount) AS DECIMAL(38, 0)) AS billed_amount,
    CAST(SUM(billing.collected_amount) AS DECIMAL(38, 0)) AS collected_amount
FROM billing
GROUP BY billing.product, billing.charge_item
ORDER BY product, charge_item
