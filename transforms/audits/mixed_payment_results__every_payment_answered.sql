-- purpose: Every mixed payment of the month is answered, and no other
-- grain: one row with both numbers where they differ; none where the claim holds
-- keys: none
-- inputs: mixed_payment_results(payment_id), mixed_payments(payment_id)
-- policy: none
-- rules: X1
WITH answered AS (
    SELECT COUNT(mixed_payment_results.payment_id) AS payments
    FROM mixed_payment_results
),

delivered AS (
    SELECT COUNT(mixed_payments.payment_id) AS payments
    FROM mixed_payments
)

SELECT
    CAST(answered.payments AS BIGINT) AS answered_payments,
    CAST(delivered.payments AS BIGINT) AS delivered_payments
FROM answered
CROSS JOIN delivered
WHERE answered.payments <> delivered.payments
