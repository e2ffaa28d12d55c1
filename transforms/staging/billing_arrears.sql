-- purpose: When each current billing line of a month was in arrears; from the day on that it is
--   not fully collected though due before, up to but not including the day it is
-- grain: one row per billing line that was in arrears on some day
-- keys: customer_id, billing_line_id
-- inputs: billing(billing_line_id, customer_id, billed_amount, collected_amount, due_on,
--   collected_on)
-- policy: none
-- rules: M4
SELECT
    CAST(billing.customer_id AS VARCHAR) AS customer_id,
    CAST(billing.billing_line_id AS VARCHAR) AS billing_line_id,
    CAST(billing.due_on + INTERVAL 1 DAY AS DATE) AS in_arrears_from,
    CAST(
        CASE WHEN billing.collected_amount = billing.billed_amount THEN billing.collected_on END
        AS DATE
    ) AS in_arrears_until
FROM billing
WHERE billing.billed_amount > 0
    AND (
        billing.collected_amount < billing.billed_amount
        OR date_diff('day', billing.due_on, billing.collected_on) > 1
    )
ORDER BY customer_id, billing_line_id
