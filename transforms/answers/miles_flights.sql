-- purpose: The member's flights of the month, with what each earned or why it earned nothing
-- grain: one row per flight
-- keys: activity_id
-- inputs: published_mileage_accruals(activity_id, flight_date, origin, destination, booking_class,
--   distance, distance_source, distance_suspect, rate, miles, reason),
--   replayed_members(enrolled_on), replayed_flights(activity_id, operating_carrier)
-- policy: none
-- rules: F1, F2, F3
SELECT
    CAST(COALESCE(published_mileage_accruals.reason, 'earned') AS VARCHAR) AS said,
    CAST(published_mileage_accruals.reason IS NULL AS BOOLEAN) AS passed,
    CAST(published_mileage_accruals.reason AS VARCHAR) AS reason,
    CAST(published_mileage_accruals.flight_date AS DATE) AS flight_date,
    CAST(published_mileage_accruals.activity_id AS VARCHAR) AS activity_id,
    CAST(replayed_flights.operating_carrier AS VARCHAR) AS operating_carrier,
    CAST(published_mileage_accruals.origin AS VARCHAR) AS origin,
    CAST(published_mileage_accruals.destination AS VARCHAR) AS destination,
    CAST(published_mileage_accruals.booking_class AS VARCHAR) AS booking_class,
    CAST(replayed_members.enrolled_on AS DATE) AS enrolled_on,
    CAST(published_mileage_accruals.distance AS BIGINT) AS distance,
    CAST(published_mileage_accruals.distance_source AS VARCHAR) AS distance_source,
    CAST(published_mileage_accruals.distance_suspect AS BOOLEAN) AS distance_suspect,
    CAST(published_mileage_accruals.rate AS BIGINT) AS rate,
    CAST(published_mileage_accruals.miles AS BIGINT) AS miles
FROM published_mileage_accruals
LEFT JOIN replayed_members ON TRUE
LEFT JOIN replayed_flights
    ON published_mileage_accruals.activity_id = replayed_flights.activity_id
ORDER BY flight_date, activity_id
