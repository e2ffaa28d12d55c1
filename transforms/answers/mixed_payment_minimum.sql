-- purpose: Whether the miles are as many as must be paid at least
-- grain: one row, none where that is not asked
-- keys: none
-- inputs: mixed_payment(paid_on, miles, reason), mixed_payment_currency(passed),
--   policy_mixed_payment_minimum(least_miles, valid_from, valid_to)
-- policy: mixed_payment_minimum
-- rules: X1
SELECT
    CAST(CASE mixed_payment.reason WHEN 'below_minimum' THEN 'below' ELSE 'enough' END AS VARCHAR)
        AS said,
    CAST(mixed_payment.reason IS DISTINCT FROM 'below_minimum' AS BOOLEAN) AS passed,
    CAST(mixed_payment.miles AS BIGINT) AS miles,
    CAST(policy_mixed_payment_minimum.least_miles AS BIGINT) AS least_miles,
    CAST(
        CASE
            WHEN mixed_payment.reason IS DISTINCT FROM 'below_minimum'
                THEN mixed_payment.miles - policy_mixed_payment_minimum.least_miles
        END
        AS BIGINT
    ) AS over,
    CAST(
        CASE
            WHEN mixed_payment.reason = 'below_minimum'
                THEN policy_mixed_payment_minimum.least_miles - mixed_payment.miles
        END
        AS BIGINT
    ) AS short,
    CAST(mixed_payment.paid_on AS DATE) AS paid_on
FROM mixed_payment
INNER JOIN mixed_payment_currency ON mixed_payment_currency.passed
INNER JOIN policy_mixed_payment_minimum
    ON policy_mixed_payment_minimum.valid_from <= mixed_payment.paid_on
    AND (
        policy_mixed_payment_minimum.valid_to IS NULL
        OR mixed_payment.paid_on < policy_mixed_payment_minimum.valid_to
    )
