-- purpose: An accepted mixed payment took its miles, to the mile, and a rejected one took none
-- grain: one row per request of which that is not so
-- keys: payment_id
-- inputs: mixed_payment_results(payment_id, member_id, miles, status, reason),
--   mileage_entries(member_id, source_id, kind, miles)
-- policy: none
-- rules: X1, P11
WITH taken AS (
    SELECT
        mileage_entries.source_id,
        mileage_entries.member_id,
        -SUM(mileage_entries.miles) AS miles
    FROM mileage_entries
    WHERE mileage_entries.kind = 'mixed_payment'
    GROUP BY mileage_entries.source_id, mileage_entries.member_id
)

SELECT
    CAST(COALESCE(mixed_payment_results.payment_id, taken.source_id) AS VARCHAR) AS payment_id,
    CAST(mixed_payment_results.status AS VARCHAR) AS status,
    CAST(mixed_payment_results.miles AS BIGINT) AS miles,
    CAST(taken.miles AS BIGINT) AS taken_miles
FROM mixed_payment_results
FULL JOIN taken
    ON mixed_payment_results.payment_id = taken.source_id
    AND mixed_payment_results.member_id = taken.member_id
WHERE mixed_payment_results.payment_id IS NULL
    OR (mixed_payment_results.status = 'accepted') <> (mixed_payment_results.reason IS NULL)
    OR COALESCE(taken.miles, 0) IS DISTINCT FROM CASE
        WHEN mixed_payment_results.status = 'accepted' THEN mixed_payment_results.miles
        ELSE 0
    END
ORDER BY payment_id
