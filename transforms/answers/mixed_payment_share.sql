-- purpose: What share of the fare the miles would pay, and how many may pay it at most
-- grain: one row, none where that is not asked
-- keys: none
-- inputs: mixed_payment(paid_on, fare, miles, krw_per_mile, miles_value, reason),
--   mixed_payment_minimum(passed), policy_mixed_payment_share(greatest, valid_from, valid_to)
-- policy: mixed_payment_share
-- rules: X1, X2
SELECT
    CAST(CASE mixed_payment.reason WHEN 'above_share' THEN 'above' ELSE 'within' END AS VARCHAR)
        AS said,
    CAST(mixed_payment.reason IS DISTINCT FROM 'above_share' AS BOOLEAN) AS passed,
    CAST(mixed_payment.fare AS BIGINT) AS fare,
    CAST(mixed_payment.miles AS BIGINT) AS miles,
    CAST(mixed_payment.krw_per_mile AS DECIMAL(9, 2)) AS krw_per_mile,
    CAST(mixed_payment.miles_value AS DECIMAL(28, 2)) AS miles_value,
    -- of the fare, in whole percents; none where 64 bits don't hold it, as of the next two
    TRY_CAST(
        FLOOR(CAST(mixed_payment.miles_value * 100 AS DOUBLE) / mixed_payment.fare) AS BIGINT
    ) AS share,
    CAST(policy_mixed_payment_share.greatest AS BIGINT) AS greatest_share,
    TRY_CAST(
        FLOOR(
            CAST(mixed_payment.fare AS DOUBLE) * policy_mixed_payment_share.greatest
            / CAST(100 AS DOUBLE)
        )
        AS BIGINT
    ) AS greatest_value,
    TRY_CAST(
        FLOOR(
            CAST(mixed_payment.fare AS DOUBLE) * policy_mixed_payment_share.greatest
            / CAST(mixed_payment.krw_per_mile * 100 AS DOUBLE)
        )
        AS BIGINT
    ) AS greatest_miles,
    CAST(mixed_payment.paid_on AS DATE) AS paid_on
FROM mixed_payment
INNER JOIN mixed_payment_minimum ON mixed_payment_minimum.passed
INNER JOIN policy_mixed_payment_share
    ON policy_mixed_payment_share.valid_from <= mixed_payment.paid_on
    AND (
        policy_mixed_payment_share.valid_to IS NULL
        OR mixed_payment.paid_on < policy_mixed_payment_share.valid_to
    )
