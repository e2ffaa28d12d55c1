-- purpose: The line of the next bill that the payment is
-- grain: one row, none where it was declined
-- keys: none
-- inputs: asked(asked_id), published_micropayment_bill_lines(payment_id, billing_month, amount,
--   platform_fee)
-- policy: none
-- rules: M5
SELECT
    CAST(published_micropayment_bill_lines.billing_month AS VARCHAR) AS billing_month,
    CAST(published_micropayment_bill_lines.amount AS BIGINT) AS amount,
    CAST(published_micropayment_bill_lines.platform_fee AS BIGINT) AS platform_fee
FROM asked
INNER JOIN published_micropayment_bill_lines
    ON asked.asked_id = published_micropayment_bill_lines.payment_id
