-- purpose: What the flight that is asked about earned, or why it earned nothing, with the figures
-- grain: one row
-- keys: activity_id
-- inputs: asked(asked_id), published_mileage_accruals(month, activity_id, member_id, flight_date, origin,
--   destination, booking_class, distance, distance_source, distance_suspect, rate, miles, half_flights,
--   reason), flight_asked(enrolled_on, operating_carrier, flight_number),
--   flight_route(unknown_airport)
-- policy: none
-- rules: F1, F3
SELECT
    CAST(COALESCE(published_mileage_accruals.reason, 'earned') AS VARCHAR) AS said,
    CAST(published_mileage_accruals.activity_id AS VARCHAR) AS activity_id,
    CAST(published_mileage_accruals.member_id AS VARCHAR) AS member_id,
    CAST(published_mileage_accruals.flight_date AS DATE) AS flight_date,
    CAST(flight_asked.operating_carrier AS VARCHAR) AS operating_carrier,
    CAST(flight_asked.flight_number AS VARCHAR) AS flight_number,
    CAST(published_mileage_accruals.origin AS VARCHAR) AS origin,
    CAST(published_mileage_accruals.destination AS VARCHAR) AS destination,
    CAST(published_mileage_accruals.booking_class AS VARCHAR) AS booking_class,
    CAST(published_mileage_accruals.distance AS BIGINT) AS distance,
    CAST(published_mileage_accruals.distance_source AS VARCHAR) AS distance_source,
    CAST(published_mileage_accruals.distance_suspect AS BOOLEAN) AS distance_suspect,
    CAST(published_mileage_accruals.rate AS BIGINT) AS rate,
    CAST(published_mileage_accruals.miles AS BIGINT) AS miles,
    CAST(published_mileage_accruals.half_flights AS BIGINT) AS half_flights,
    CAST(published_mileage_accruals.reason AS VARCHAR) AS reason,
    CAST(published_mileage_accruals.month AS VARCHAR) AS month,
    CAST(flight_asked.enrolled_on AS DATE) AS enrolled_on,
    CAST(flight_route.unknown_airport AS VARCHAR) AS unknown_airport
FROM asked
INNER JOIN published_mileage_accruals
    ON asked.asked_id = published_mileage_accruals.activity_id
LEFT JOIN flight_asked ON TRUE
LEFT JOIN flight_route ON TRUE
