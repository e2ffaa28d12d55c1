-- purpose: What a flight earns its member, or why it does not
-- grain: one row per current flight of the span
-- keys: activity_id
-- inputs: rated_flights(activity_id, member_id, flight_date, origin, destination, booking_class,
--   distance, distance_source, distance_suspect, rate, miles, half_flights, counts, reason),
--   members(member_id, enrolled_on)
-- policy: none
-- rules: F1, F3, E2
WITH member_flights AS (
    SELECT
        rated_flights.activity_id,
        rated_flights.member_id,
        rated_flights.flight_date,
        rated_flights.origin,
        rated_flights.destination,
        rated_flights.booking_class,
        rated_flights.distance,
        rated_flights.distance_source,
        rated_flights.distance_suspect,
        rated_flights.rate,
        rated_flights.miles,
        rated_flights.half_flights,
        rated_flights.counts,
        CASE
            WHEN members.member_id IS NULL THEN 'unknown_member'
            WHEN rated_flights.flight_date < members.enrolled_on THEN 'before_enrolment'
            ELSE rated_flights.reason
        END AS first_reason
    FROM rated_flights
    LEFT JOIN members ON rated_flights.member_id = members.member_id
)

SELECT
    CAST(member_flights.activity_id AS VARCHAR) AS activity_id,
    CAST(member_flights.member_id AS VARCHAR) AS member_id,
    CAST(member_flights.flight_date AS DATE) AS flight_date,
    CAST(member_flights.origin AS VARCHAR) AS origin,
    CAST(member_flights.destination AS VARCHAR) AS destination,
    CAST(member_flights.booking_class AS VARCHAR) AS booking_class,
    CAST(member_flights.distance AS BIGINT) AS distance,
    CAST(member_flights.distance_source AS VARCHAR) AS distance_source,
    CAST(member_flights.distance_suspect AS BOOLEAN) AS distance_suspect,
    CAST(
        CASE WHEN member_flights.first_reason IS NULL THEN member_flights.rate END AS BIGINT
    ) AS rate,
    CAST(
        CASE WHEN member_flights.first_reason IS NULL THEN member_flights.miles ELSE 0 END
        AS BIGINT
    ) AS miles,
    CAST(
        CASE
            WHEN member_flights.first_reason IS NULL AND member_flights.counts
                THEN member_flights.half_flights
            ELSE 0
        END AS BIGINT
    ) AS half_flights,
    CAST(member_flights.first_reason AS VARCHAR) AS reason
FROM member_flights
