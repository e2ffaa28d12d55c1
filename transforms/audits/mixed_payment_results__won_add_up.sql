-- purpose: An accepted payment's miles pay what they are worth, rounded down, within its fare
-- grain: one row per payment of which that is not so
-- keys: payment_id
-- inputs: mixed_payment_results(payment_id, fare, miles, krw_per_mile, miles_value_krw, cash_due,
--   status), mixed_payments(payment_id, fuel_surcharge, taxes)
-- policy: none
-- rules: X1, X2
SELECT
    CAST(mixed_payment_results.payment_id AS VARCHAR) AS payment_id,
    CAST(mixed_payment_results.miles_value_krw AS BIGINT) AS miles_value_krw,
    CAST(mixed_payment_results.cash_due AS BIGINT) AS cash_due
FROM mixed_payment_results
INNER JOIN mixed_payments ON mixed_payment_results.payment_id = mixed_payments.payment_id
WHERE CASE
        WHEN mixed_payment_results.status = 'accepted'
            THEN mixed_payment_results.miles_value_krw IS NULL
                OR mixed_payment_results.miles_value_krw
                > mixed_payment_results.miles * mixed_payment_results.krw_per_mile
                OR mixed_payment_results.miles_value_krw + 1
                <= mixed_payment_results.miles * mixed_payment_results.krw_per_mile
                OR mixed_payment_results.cash_due + mixed_payment_results.miles_value_krw
                IS DISTINCT FROM mixed_payment_results.fare + mixed_payments.fuel_surcharge
                + mixed_payments.taxes
        ELSE mixed_payment_results.miles_value_krw IS NOT NULL
            OR mixed_payment_results.cash_due IS NOT NULL
    END
ORDER BY payment_id
