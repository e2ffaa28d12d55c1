-- purpose: Each payment of the month is answered under its own id and owner, and no other is
-- grain: one row per payment of which that is not so; none where the claim holds
-- keys: payment_id
-- inputs: micropayment_results(payment_id, subscription_id),
--   micropayments(payment_id, subscription_id)
-- policy: none
-- rules: M3
SELECT
    CAST(COALESCE(micropayments.payment_id, micropayment_results.payment_id) AS VARCHAR)
        AS payment_id,
    CAST(micropayments.payment_id IS NOT NULL AS BOOLEAN) AS delivered,
    CAST(micropayment_results.payment_id IS NOT NULL AS BOOLEAN) AS answered
FROM micropayments
FULL JOIN micropayment_results
    ON micropayments.payment_id = micropayment_results.payment_id
    AND micropayments.subscription_id = micropayment_results.subscription_id
WHERE micropayments.payment_id IS NULL OR micropayment_results.payment_id IS NULL
ORDER BY payment_id
