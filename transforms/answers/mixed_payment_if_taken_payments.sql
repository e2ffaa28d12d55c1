-- purpose: The month's mixed payments, had this one come by that channel
-- grain: one row per payment
-- keys: payment_id
-- inputs: replayed_mixed_payments(payment_id, member_id, paid_at, channel, currency, fare,
--   fuel_surcharge, taxes, miles, krw_per_mile, delivery), asked(asked_id),
--   mixed_payment_if_taken(taken_by)
-- policy: none
-- rules: X1
SELECT
    CAST(replayed_mixed_payments.payment_id AS VARCHAR) AS payment_id,
    CAST(replayed_mixed_payments.member_id AS VARCHAR) AS member_id,
    CAST(replayed_mixed_payments.paid_at AS TIMESTAMP) AS paid_at,
    CAST(
        CASE
            WHEN replayed_mixed_payments.payment_id = asked.asked_id
                THEN mixed_payment_if_taken.taken_by
            ELSE replayed_mixed_payments.channel
        END
        AS VARCHAR
    ) AS channel,
    CAST(replayed_mixed_payments.currency AS VARCHAR) AS currency,
    CAST(replayed_mixed_payments.fare AS BIGINT) AS fare,
    CAST(replayed_mixed_payments.fuel_surcharge AS BIGINT) AS fuel_surcharge,
    CAST(replayed_mixed_payments.taxes AS BIGINT) AS taxes,
    CAST(replayed_mixed_payments.miles AS BIGINT) AS miles,
    CAST(replayed_mixed_payments.krw_per_mile AS DECIMAL(9, 2)) AS krw_per_mile,
    CAST(replayed_mixed_payments.delivery AS BIGINT) AS delivery
FROM replayed_mixed_payments
CROSS JOIN asked
CROSS JOIN mixed_payment_if_taken
