-- purpose: Miles are the published distance at the policy's rate, to the nearest mile, or 0 with a
--   reason
-- grain: one row per flight of which that is not so
-- keys: activity_id
-- inputs: mileage_accruals(activity_id, flight_date, booking_class, distance, distance_source, rate,
--   miles, half_flights, reason),
--   policy_accrual_rates(booking_class, rate, valid_from, valid_to), run_context(day_after)
-- policy: accrual_rates
-- rules: F1, F2, F3
WITH rates AS (
    SELECT
        policy_accrual_rates.booking_class,
        policy_accrual_rates.rate,
        policy_accrual_rates.valid_from,
        COALESCE(policy_accrual_rates.valid_to, run_context.day_after) AS valid_until
    FROM policy_accrual_rates
    CROSS JOIN run_context
)

SELECT
    CAST(mileage_accruals.activity_id AS VARCHAR) AS activity_id,
    CAST(mileage_accruals.distance AS BIGINT) AS distance,
    CAST(mileage_accruals.rate AS BIGINT) AS rate,
    CAST(rates.rate AS BIGINT) AS policy_rate,
    CAST(mileage_accruals.miles AS BIGINT) AS miles,
    CAST(mileage_accruals.reason AS VARCHAR) AS reason
FROM mileage_accruals
LEFT JOIN rates
    ON mileage_accruals.booking_class = rates.booking_class
    AND mileage_accruals.flight_date >= rates.valid_from
    AND mileage_accruals.flight_date < rates.valid_until
WHERE (mileage_accruals.distance IS NULL) <> (mileage_accruals.distance_source IS NULL)
    OR (
        mileage_accruals.reason IS NOT NULL
        AND (
            mileage_accruals.rate IS NOT NULL
            OR mileage_accruals.miles IS DISTINCT FROM 0
            OR mileage_accruals.half_flights IS DISTINCT FROM 0
        )
    )
    OR (
        mileage_accruals.reason IS NULL
        AND (
            mileage_accruals.rate IS DISTINCT FROM rates.rate
            OR mileage_accruals.distance IS NULL
            OR mileage_accruals.miles IS NULL
            -- a mile more than half a mile too high, or half a mile or more too low
            OR 2 * (mileage_accruals.miles * 100 - mileage_accruals.distance * rates.rate) > 100
            OR 2 * (mileage_accruals.distance * rates.rate - mileage_accruals.miles * 100) >= 100
        )
    )
ORDER BY activity_id
