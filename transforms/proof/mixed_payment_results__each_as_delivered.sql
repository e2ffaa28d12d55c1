-- purpose: Each mixed payment of the month is answered under its own id and owner, and no other is
-- grain: one row per mixed payment of which that is not so; none where the claim holds
-- keys: payment_id
-- inputs: mixed_payment_results(payment_id, member_id), mixed_payments(payment_id, member_id)
-- policy: none
-- rules: X1
SELECT
    CAST(COALESCE(mixed_payments.payment_id, mixed_payment_results.payment_id) AS VARCHAR)
        AS payment_id,
    CAST(mixed_payments.payment_id IS NOT NULL AS BOOLEAN) AS delivered,
    CAST(mixed_payment_results.payment_id IS NOT NULL AS BOOLEAN) AS answered
FROM mixed_payments
FULL JOIN mixed_payment_results
    ON mixed_payments.payment_id = mixed_payment_results.payment_id
    AND mixed_payments.member_id = mixed_payment_results.member_id
WHERE mixed_payments.payment_id IS NULL OR mixed_payment_results.payment_id IS NULL
ORDER BY payment_id
