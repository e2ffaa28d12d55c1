-- purpose: No payment has two rows in micropayment_results
-- grain: one row per payment with more than one row; none where the claim holds
-- keys: payment_id
-- inputs: micropayment_results(payment_id)
-- policy: none
-- rules: M3, Q1
SELECT
    CAST(micropayment_results.payment_id AS VARCHAR) AS payment_id,
    CAST(COUNT(*) AS BIGINT) AS copies
FROM micropayment_results
GROUP BY micropayment_results.payment_id
HAVING COUNT(*) > 1
ORDER BY payment_id
