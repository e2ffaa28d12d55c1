-- purpose: The mixed payment that is asked about, as it was delivered, with its reason
-- grain: one row
-- keys: payment_id
-- inputs: miles_event(source_id, on_day, usable_before, reason), replayed_mixed_payments(payment_id,
--   channel, currency, fare, fuel_surcharge, taxes, miles, krw_per_mile)
-- policy: none
-- rules: X1
SELECT
    CAST(replayed_mixed_payments.payment_id AS VARCHAR) AS payment_id,
    CAST(miles_event.on_day AS DATE) AS paid_on,
    CAST(replayed_mixed_payments.channel AS VARCHAR) AS channel,
    CAST(replayed_mixed_payments.currency AS VARCHAR) AS currency,
    CAST(replayed_mixed_payments.fare AS BIGINT) AS fare,
    CAST(replayed_mixed_payments.fuel_surcharge AS BIGINT) AS fuel_surcharge,
    CAST(replayed_mixed_payments.taxes AS BIGINT) AS taxes,
    CAST(replayed_mixed_payments.miles AS BIGINT) AS miles,
    CAST(replayed_mixed_payments.krw_per_mile AS DECIMAL(9, 2)) AS krw_per_mile,
    -- exact: whole miles of at most 19 digits, a rate with two places
    CAST(
        CAST(replayed_mixed_payments.miles AS DECIMAL(19, 0))
        * replayed_mixed_payments.krw_per_mile
        AS DECIMAL(28, 2)
    ) AS miles_value,
    CAST(miles_event.usable_before AS BIGINT) AS usable_before,
    CAST(miles_event.reason AS VARCHAR) AS reason
FROM miles_event
INNER JOIN replayed_mixed_payments
    ON miles_event.source_id = replayed_mixed_payments.payment_id
