-- purpose: Whether tickets are paid that way in the currency of the payment, and in which they are
-- grain: one row, none where that is not asked
-- keys: none
-- inputs: mixed_payment(paid_on, currency, reason), mixed_payment_channel(passed),
--   policy_mixed_payment_currencies(currency, accepted, valid_from, valid_to)
-- policy: mixed_payment_currencies
-- rules: X1
SELECT
    CAST(CASE mixed_payment.reason WHEN 'currency' THEN 'other' ELSE 'taken' END AS VARCHAR)
        AS said,
    CAST(mixed_payment.reason IS DISTINCT FROM 'currency' AS BOOLEAN) AS passed,
    CAST(mixed_payment.currency AS VARCHAR) AS currency,
    CAST(
        STRING_AGG(
            policy_mixed_payment_currencies.currency, ', '
            ORDER BY policy_mixed_payment_currencies.currency
        )
        AS VARCHAR
    ) AS taken_in,
    CAST(mixed_payment.paid_on AS DATE) AS paid_on
FROM mixed_payment
INNER JOIN mixed_payment_channel ON mixed_payment_channel.passed
LEFT JOIN policy_mixed_payment_currencies
    ON policy_mixed_payment_currencies.accepted
    AND policy_mixed_payment_currencies.valid_from <= mixed_payment.paid_on
    AND (
        policy_mixed_payment_currencies.valid_to IS NULL
        OR mixed_payment.paid_on < policy_mixed_payment_currencies.valid_to
    )
GROUP BY mixed_payment.reason, mixed_payment.currency, mixed_payment.paid_on
