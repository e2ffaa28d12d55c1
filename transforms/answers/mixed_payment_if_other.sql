-- purpose: The miles with which the answer to the payment would be the other one
-- grain: one row, none where no number of miles gives another answer
-- keys: none
-- inputs: mixed_payment(miles, usable_before, reason), mixed_payment_minimum(least_miles),
--   mixed_payment_share(greatest_miles)
-- policy: none
-- rules: X1
WITH amounts AS (
    SELECT
        mixed_payment.miles AS paid,
        CASE
            WHEN mixed_payment.reason = 'below_minimum' THEN mixed_payment_minimum.least_miles
            WHEN mixed_payment.reason = 'above_share' THEN mixed_payment_share.greatest_miles
            WHEN mixed_payment.reason = 'insufficient_miles' THEN mixed_payment.usable_before
            WHEN mixed_payment.reason IS NULL
                THEN LEAST(mixed_payment_share.greatest_miles, mixed_payment.usable_before) + 1
        END AS miles
    FROM mixed_payment
    LEFT JOIN mixed_payment_minimum ON TRUE
    LEFT JOIN mixed_payment_share ON TRUE
)

SELECT
    CAST(CASE WHEN amounts.miles > amounts.paid THEN 'more' ELSE 'fewer' END AS VARCHAR) AS said,
    CAST(amounts.miles AS BIGINT) AS miles,
    CAST(ABS(amounts.miles - amounts.paid) AS BIGINT) AS difference
FROM amounts
WHERE amounts.miles >= 1
