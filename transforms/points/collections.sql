-- purpose: What was collected of bills: of some billing months whole, of others what came late
-- grain: one row per billing line with a collected amount other than 0
-- keys: none
-- inputs: billing(customer_id, product, charge_item, collected_on, collected_amount),
--   billing_late_collections(customer_id, product, charge_item, collected_on, collected_amount)
-- policy: none
-- rules: P1, P9
WITH collected_lines AS (
    SELECT
        billing.customer_id,
        billing.product,
        billing.charge_item,
        billing.collected_on,
        billing.collected_amount
    FROM billing
    WHERE billing.collected_amount <> 0
    UNION ALL
    SELECT
        billing_late_collections.customer_id,
        billing_late_collections.product,
        billing_late_collections.charge_item,
        billing_late_collections.collected_on,
        billing_late_collections.collected_amount
    FROM billing_late_collections
)

SELECT
    CAST(collected_lines.customer_id AS VARCHAR) AS customer_id,
    CAST(collected_lines.product AS VARCHAR) AS product,
    CAST(collected_lines.charge_item AS VARCHAR) AS charge_item,
    CAST(collected_lines.collected_on AS DATE) AS collected_on,
    CAST(collected_lines.collected_amount AS BIGINT) AS collected_amount
FROM collected_lines
