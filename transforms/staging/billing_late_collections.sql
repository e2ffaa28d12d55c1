-- purpose: The current billing lines of a month that were collected in another month than most
-- grain: one row per billing line collected outside the billing month's main month of collection
-- keys: collected_month, customer_id, billing_line_id
-- inputs: billing(billing_line_id, customer_id, product, charge_item, collected_amount,
--   collected_on), billing_collections(collected_month, lines)
-- policy: none
-- rules: P1, P9
WITH months AS (
    SELECT billing_collections.collected_month, SUM(billing_collections.lines) AS lines
    FROM billing_collections
    GROUP BY billing_collections.collected_month
),

main_month AS (
    SELECT months.collected_month
    FROM months
    ORDER BY months.lines DESC, months.collected_month
    LIMIT 1
),

days AS (
    SELECT DISTINCT billing.collected_on
    FROM billing
    WHERE billing.collected_amount <> 0
),

days_with_month AS (
    SELECT days.collected_on, strftime(days.collected_on, '%Y-%m') AS collected_month
    FROM days
),

late_days AS (
    SELECT days_with_month.collected_on, days_with_month.collected_month
    FROM days_with_month
    CROSS JOIN main_month
    WHERE days_with_month.collected_month <> main_month.collected_month
)

SELECT
    CAST(billing.customer_id AS VARCHAR) AS customer_id,
    CAST(billing.billing_line_id AS VARCHAR) AS billing_line_id,
    CAST(billing.product AS VARCHAR) AS product,
    CAST(billing.charge_item AS VARCHAR) AS charge_item,
    CAST(billing.collected_on AS DATE) AS collected_on,
    CAST(late_days.collected_month AS VARCHAR) AS collected_month,
    CAST(billing.collected_amount AS BIGINT) AS collected_amount
FROM billing
INNER JOIN late_days ON billing.collected_on = late_days.collected_on
WHERE billing.collected_amount <> 0
ORDER BY collected_month, customer_id, billing_line_id
