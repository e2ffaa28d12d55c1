-- purpose: Every current flight of the month has its row, and no other has one
-- grain: one row with both numbers where they differ; none where the claim holds
-- keys: none
-- inputs: mileage_accruals(activity_id), flights(activity_id)
-- policy: none
-- rules: F3
WITH answered AS (
    SELECT COUNT(mileage_accruals.activity_id) AS flights
    FROM mileage_accruals
),

delivered AS (
    SELECT COUNT(flights.activity_id) AS flights
    FROM flights
)

SELECT
    CAST(answered.flights AS BIGINT) AS answered_flights,
    CAST(delivered.flights AS BIGINT) AS delivered_flights
FROM answered
CROSS JOIN delivered
WHERE answered.flights <> delivered.flights
