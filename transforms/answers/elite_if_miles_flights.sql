-- purpose: The member's flights, and one more of so many miles
-- grain: one row per flight
-- keys: activity_id
-- inputs: replayed_flights(activity_id, member_id, flight_date, operating_carrier, flight_number, origin,
--   destination, booking_class, ticket_type, flown, distance_miles, revision, delivery),
--   asked(member_id), elite_if_miles(miles), elite_if_flown_flight(flight_date, operating_carrier,
--   origin, destination, whole_class)
-- policy: none
-- rules: E2
WITH flights AS (
    SELECT
        replayed_flights.activity_id,
        replayed_flights.member_id,
        replayed_flights.flight_date,
        replayed_flights.operating_carrier,
        replayed_flights.flight_number,
        replayed_flights.origin,
        replayed_flights.destination,
        replayed_flights.booking_class,
        replayed_flights.ticket_type,
        replayed_flights.flown,
        replayed_flights.distance_miles,
        replayed_flights.revision,
        replayed_flights.delivery
    FROM replayed_flights
    UNION ALL
    SELECT
        'difference' AS activity_id,
        asked.member_id,
        elite_if_flown_flight.flight_date,
        elite_if_flown_flight.operating_carrier,
        'difference' AS flight_number,
        elite_if_flown_flight.origin,
        elite_if_flown_flight.destination,
        elite_if_flown_flight.whole_class AS booking_class,
        'revenue' AS ticket_type,
        TRUE AS flown,
        elite_if_miles.miles AS distance_miles,
        0 AS revision,
        0 AS delivery
    FROM elite_if_miles
    CROSS JOIN asked
    CROSS JOIN elite_if_flown_flight
)

SELECT
    CAST(flights.activity_id AS VARCHAR) AS activity_id,
    CAST(flights.member_id AS VARCHAR) AS member_id,
    CAST(flights.flight_date AS DATE) AS flight_date,
    CAST(flights.operating_carrier AS VARCHAR) AS operating_carrier,
    CAST(flights.flight_number AS VARCHAR) AS flight_number,
    CAST(flights.origin AS VARCHAR) AS origin,
    CAST(flights.destination AS VARCHAR) AS destination,
    CAST(flights.booking_class AS VARCHAR) AS booking_class,
    CAST(flights.ticket_type AS VARCHAR) AS ticket_type,
    CAST(flights.flown AS BOOLEAN) AS flown,
    CAST(flights.distance_miles AS BIGINT) AS distance_miles,
    CAST(flights.revision AS BIGINT) AS revision,
    CAST(flights.delivery AS BIGINT) AS delivery
FROM flights
