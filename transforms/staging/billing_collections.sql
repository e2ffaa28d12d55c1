-- purpose: In which months the current billing lines of a month were collected; says which billing
--   months hold collections of a month
-- grain: one row per billing month, month of collection, product and charge item
-- keys: collected_month, product, charge_item
-- inputs: billing(product, charge_item, collected_amount, collected_on)
-- policy: none
-- rules: P1, P9
WITH days AS (
    SELECT
        billing.collected_on,
        billing.product,
        billing.charge_item,
        COUNT(*) AS lines,
        SUM(billing.collected_amount) AS collected_amount
    FROM billing
    WHERE billing.collected_amount <> 0
    GROUP BY billing.collected_on, billing.product, billing.charge_item
),

months AS (
    SELECT
        strftime(days.collected_on, '%Y-%m') AS collected_month,
        days.product,
        days.charge_item,
        days.lines,
        days.collected_amount
    FROM days
)

SELECT
    CAST(months.collected_month AS VARCHAR) AS collected_month,
    CAST(months.product AS VARCHAR) AS product,
    CAST(months.charge_item AS VARCHAR) AS charge_item,
    CAST(SUM(months.lines) AS BIGINT) AS lines,
    CAST(SUM(months.collected_amount) AS DECIMAL(38, 0)) AS collected_amount
FROM months
GROUP BY months.collected_month, months.product, months.charge_item
ORDER BY collected_month, product, charge_item
