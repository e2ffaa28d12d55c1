-- purpose: No payment has two rows in mixed_payment_results
-- grain: one row per payment with more than one row; none where the claim holds
-- keys: payment_id
-- inputs: mixed_payment_results(payment_id)
-- policy: none
-- rules: X1, Q1
SELECT
    CAST(mixed_payment_results.payment_id AS VARCHAR) AS payment_id,
    CAST(COUNT(*) AS BIGINT) AS copies
FROM mixed_payment_results
GROUP BY mixed_payment_results.payment_id
HAVING COUNT(*) > 1
ORDER BY payment_id
