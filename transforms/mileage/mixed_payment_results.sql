-- purpose: The answer to every payment in cash and miles of the month
-- grain: one row per delivered mixed payment of the month
-- keys: payment_id
-- inputs: judged_mixed_payments(payment_id, member_id, paid_at, fare, fuel_surcharge, taxes, miles,
--   krw_per_mile, miles_value_krw), folded_mileage_events(source_id, kind, refusal, verdict)
-- policy: none
-- rules: X1, X2
WITH decisions AS (
    SELECT folded_mileage_events.source_id, folded_mileage_events.refusal, folded_mileage_events.verdict
    FROM folded_mileage_events
    WHERE folded_mileage_events.kind = 'mixed_payment'
)

SELECT
    CAST(judged_mixed_payments.payment_id AS VARCHAR) AS payment_id,
    CAST(judged_mixed_payments.member_id AS VARCHAR) AS member_id,
    CAST(judged_mixed_payments.paid_at AS TIMESTAMP) AS paid_at,
    CAST(judged_mixed_payments.fare AS BIGINT) AS fare,
    CAST(judged_mixed_payments.miles AS BIGINT) AS miles,
    CAST(judged_mixed_payments.krw_per_mile AS DECIMAL(9, 2)) AS krw_per_mile,
    CAST(
        CASE WHEN decisions.verdict = 'accepted' THEN judged_mixed_payments.miles_value_krw END
        AS BIGINT
    ) AS miles_value_krw,
    CAST(
        CASE
            WHEN decisions.verdict = 'accepted'
                THEN judged_mixed_payments.fare + judged_mixed_payments.fuel_surcharge
                    + judged_mixed_payments.taxes - judged_mixed_payments.miles_value_krw
        END AS BIGINT
    ) AS cash_due,
    CAST(
        CASE WHEN decisions.verdict = 'accepted' THEN 'accepted' ELSE 'rejected' END AS VARCHAR
    ) AS status,
    CAST(
        CASE decisions.verdict
            WHEN 'refused' THEN decisions.refusal
            WHEN 'insufficient' THEN 'insufficient_miles'
        END AS VARCHAR
    ) AS reason
FROM judged_mixed_payments
INNER JOIN decisions ON judged_mixed_payments.payment_id = decisions.source_id
ORDER BY member_id, payment_id
