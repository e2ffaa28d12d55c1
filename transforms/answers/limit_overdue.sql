-- purpose: The customer's bills that were in arrears on the day that is asked about
-- grain: one row per billing line
-- keys: billing_month, billing_line_id
-- inputs: limit_event(on_day), limit_record(customer_id, is_mobile),
--   replayed_billing_arrears(customer_id, billing_line_id, in_arrears_from, in_arrears_until,
--   billing_month)
-- policy: none
-- rules: M4
SELECT
    CAST(replayed_billing_arrears.customer_id AS VARCHAR) AS customer_id,
    CAST(replayed_billing_arrears.billing_line_id AS VARCHAR) AS billing_line_id,
    CAST(replayed_billing_arrears.billing_month AS VARCHAR) AS billing_month,
    CAST(replayed_billing_arrears.in_arrears_from AS DATE) AS in_arrears_from,
    CAST(replayed_billing_arrears.in_arrears_until AS DATE) AS in_arrears_until,
    CAST(limit_event.on_day AS DATE) AS on_day
FROM limit_event
CROSS JOIN limit_record
INNER JOIN replayed_billing_arrears
    ON limit_record.customer_id = replayed_billing_arrears.customer_id
    AND replayed_billing_arrears.in_arrears_from <= limit_event.on_day
    AND (
        replayed_billing_arrears.in_arrears_until IS NULL
        OR replayed_billing_arrears.in_arrears_until > limit_event.on_day
    )
WHERE limit_record.is_mobile
