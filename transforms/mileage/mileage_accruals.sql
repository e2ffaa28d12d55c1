-- purpose: What every flight of the month earned, or why it earned nothing
-- grain: one row per current flight of the month
-- keys: activity_id
-- inputs: flight_miles(activity_id, member_id, flight_date, origin, destination, booking_class,
--   distance, distance_source, distance_suspect, rate, miles, half_flights, reason)
-- policy: none
-- rules: F1, F2, F3
SELECT
    CAST(flight_miles.activity_id AS VARCHAR) AS activity_id,
    CAST(flight_miles.member_id AS VARCHAR) AS member_id,
    CAST(flight_miles.flight_date AS DATE) AS flight_date,
    CAST(flight_miles.origin AS VARCHAR) AS origin,
    CAST(flight_miles.destination AS VARCHAR) AS destination,
    CAST(flight_miles.booking_class AS VARCHAR) AS booking_class,
    CAST(flight_miles.distance AS BIGINT) AS distance,
    CAST(flight_miles.distance_source AS VARCHAR) AS distance_source,
    CAST(flight_miles.distance_suspect AS BOOLEAN) AS distance_suspect,
    CAST(flight_miles.rate AS BIGINT) AS rate,
    CAST(flight_miles.miles AS BIGINT) AS miles,
    CAST(flight_miles.half_flights AS BIGINT) AS half_flights,
    CAST(flight_miles.reason AS VARCHAR) AS reason
FROM flight_miles
ORDER BY member_id, activity_id
