-- purpose: What is left to be paid in cash
-- grain: one row, none where the payment was rejected
-- keys: none
-- inputs: asked(asked_id), mixed_payment(fare, fuel_surcharge, taxes),
--   published_mixed_payment_results(payment_id, status, miles_value_krw, cash_due)
-- policy: none
-- rules: X2
SELECT
    CAST(published_mixed_payment_results.cash_due AS BIGINT) AS outcome,
    CAST(mixed_payment.fare AS BIGINT) AS fare,
    CAST(mixed_payment.fuel_surcharge AS BIGINT) AS fuel_surcharge,
    CAST(mixed_payment.taxes AS BIGINT) AS taxes,
    CAST(published_mixed_payment_results.miles_value_krw AS BIGINT) AS miles_value_krw
FROM asked
INNER JOIN published_mixed_payment_results
    ON asked.asked_id = published_mixed_payment_results.payment_id
CROSS JOIN mixed_payment
WHERE published_mixed_payment_results.status = 'accepted'
