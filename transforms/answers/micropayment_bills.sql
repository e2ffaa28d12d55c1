-- purpose: The micropayments on each month's bill
-- grain: one row per month of the bill
-- keys: billing_month
-- inputs: micropayment_bill_lines(billing_month, amount, platform_fee)
-- policy: none
-- rules: B2, M5
SELECT
    CAST(micropayment_bill_lines.billing_month AS VARCHAR) AS billing_month,
    CAST(COUNT(*) AS BIGINT) AS lines,
    CAST(SUM(micropayment_bill_lines.amount) AS BIGINT) AS amount_krw,
    CAST(SUM(micropayment_bill_lines.platform_fee) AS BIGINT) AS platform_fee_krw
FROM micropayment_bill_lines
GROUP BY micropayment_bill_lines.billing_month
ORDER BY billing_month
