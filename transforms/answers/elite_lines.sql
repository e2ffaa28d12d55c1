-- purpose: The member's flights of the year, each with whether it counts for the status
-- grain: one row per current flight of the year
-- keys: activity_id
-- inputs: replayed_rated_flights(activity_id, flight_date, origin, destination, booking_class, distance,
--   distance_source, rate, miles, half_flights, counts, reason),
--   replayed_members(enrolled_on), replayed_flights(activity_id, operating_carrier)
-- policy: none
-- rules: F3, E2
WITH flights AS (
    SELECT
        replayed_rated_flights.activity_id,
        replayed_rated_flights.flight_date,
        replayed_rated_flights.origin,
        replayed_rated_flights.destination,
        replayed_rated_flights.booking_class,
        replayed_rated_flights.distance,
        replayed_rated_flights.distance_source,
        replayed_rated_flights.rate,
        replayed_rated_flights.miles,
        replayed_rated_flights.half_flights,
        replayed_flights.operating_carrier,
        replayed_members.enrolled_on,
        CASE
            WHEN replayed_rated_flights.flight_date < replayed_members.enrolled_on
                THEN 'before_enrolment'
            WHEN replayed_rated_flights.reason IS NOT NULL THEN replayed_rated_flights.reason
            WHEN NOT replayed_rated_flights.counts THEN 'not_qualifying'
        END AS why_not
    FROM replayed_rated_flights
    INNER JOIN replayed_flights
        ON replayed_rated_flights.activity_id = replayed_flights.activity_id
    CROSS JOIN replayed_members
)

SELECT
    CAST(COALESCE(flights.why_not, 'counts') AS VARCHAR) AS said,
    CAST(flights.why_not IS NULL AS BOOLEAN) AS passed,
    CAST(flights.why_not AS VARCHAR) AS reason,
    CAST(flights.flight_date AS DATE) AS flight_date,
    CAST(flights.activity_id AS VARCHAR) AS activity_id,
    CAST(flights.operating_carrier AS VARCHAR) AS operating_carrier,
    CAST(flights.origin AS VARCHAR) AS origin,
    CAST(flights.destination AS VARCHAR) AS destination,
    CAST(flights.booking_class AS VARCHAR) AS booking_class,
    CAST(flights.enrolled_on AS DATE) AS enrolled_on,
    CAST(flights.distance AS BIGINT) AS distance,
    CAST(flights.distance_source AS VARCHAR) AS distance_source,
    CAST(flights.rate AS BIGINT) AS rate,
    CAST(CASE WHEN flights.why_not IS NULL THEN flights.miles ELSE 0 END AS BIGINT) AS miles,
    CAST(CASE WHEN flights.why_not IS NULL THEN flights.half_flights ELSE 0 END AS BIGINT)
        AS half_flights
FROM flights
ORDER BY passed DESC, flight_date, activity_id
