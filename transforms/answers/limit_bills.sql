-- purpose: The bills that were in arrears on the day that is asked about, with what was not
--   collected of them by then
-- grain: one row per billing line
-- keys: billing_month, billing_line_id
-- inputs: limit_overdue(customer_id, billing_line_id, billing_month, in_arrears_from,
--   in_arrears_until, on_day), staged_billing(billing_line_id, customer_id, product, charge_item,
--   billing_month, billed_amount, collected_amount, due_on, collected_on)
-- policy: none
-- rules: M4
SELECT
    CAST(
        CASE WHEN limit_overdue.in_arrears_until IS NULL THEN 'open' ELSE 'settled' END AS VARCHAR
    ) AS said,
    CAST(limit_overdue.billing_month AS VARCHAR) AS billing_month,
    CAST(limit_overdue.billing_line_id AS VARCHAR) AS billing_line_id,
    CAST(staged_billing.product AS VARCHAR) AS product,
    CAST(staged_billing.charge_item AS VARCHAR) AS charge_item,
    CAST(staged_billing.due_on AS DATE) AS due_on,
    CAST(staged_billing.billed_amount AS BIGINT) AS billed_amount,
    CAST(staged_billing.collected_amount AS BIGINT) AS collected_amount,
    CAST(staged_billing.collected_on AS DATE) AS collected_on,
    CAST(limit_overdue.in_arrears_from AS DATE) AS since,
    CAST(limit_overdue.in_arrears_until AS DATE) AS until,
    -- the row tells the day of the last collection alone
    CAST(
        CASE
            WHEN staged_billing.collected_on <= limit_overdue.on_day
                THEN staged_billing.billed_amount - staged_billing.collected_amount
            ELSE staged_billing.billed_amount
        END
        AS BIGINT
    ) AS missing
FROM limit_overdue
INNER JOIN staged_billing
    ON limit_overdue.billing_month = staged_billing.billing_month
    AND limit_overdue.billing_line_id = staged_billing.billing_line_id
    AND limit_overdue.customer_id = staged_billing.customer_id
ORDER BY since, billing_line_id
