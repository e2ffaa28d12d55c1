-- purpose: When bills were in arrears, had those of the reason been collected on the day that is asked
--   about
-- grain: one row per billing line
-- keys: customer_id, billing_line_id, billing_month
-- inputs: replayed_billing_arrears(customer_id, billing_line_id, in_arrears_from, in_arrears_until,
--   billing_month), limit_overdue(billing_line_id, billing_month, on_day)
-- policy: none
-- rules: M4
SELECT
    CAST(replayed_billing_arrears.customer_id AS VARCHAR) AS customer_id,
    CAST(replayed_billing_arrears.billing_line_id AS VARCHAR) AS billing_line_id,
    CAST(replayed_billing_arrears.in_arrears_from AS DATE) AS in_arrears_from,
    CAST(
        COALESCE(limit_overdue.on_day, replayed_billing_arrears.in_arrears_until) AS DATE
    ) AS in_arrears_until,
    CAST(replayed_billing_arrears.billing_month AS VARCHAR) AS billing_month
FROM replayed_billing_arrears
LEFT JOIN limit_overdue
    ON replayed_billing_arrears.billing_month = limit_overdue.billing_month
    AND replayed_billing_arrears.billing_line_id = limit_overdue.billing_line_id
