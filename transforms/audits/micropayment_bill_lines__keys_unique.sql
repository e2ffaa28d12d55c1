-- purpose: No payment has two rows in micropayment_bill_lines
-- grain: one row per payment with more than one row; none where the claim holds
-- keys: payment_id
-- inputs: micropayment_bill_lines(payment_id)
-- policy: none
-- rules: M5, Q1
SELECT
    CAST(micropayment_bill_lines.payment_id AS VARCHAR) AS payment_id,
    CAST(COUNT(*) AS BIGINT) AS copies
FROM micropayment_bill_lines
GROUP BY micropayment_bill_lines.payment_id
HAVING COUNT(*) > 1
ORDER BY payment_id
