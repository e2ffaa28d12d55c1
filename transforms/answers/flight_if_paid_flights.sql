-- purpose: The flights, had this one been flown, or on a paid ticket
-- grain: one row per flight
-- keys: activity_id
-- inputs: replayed_flights(activity_id, member_id, flight_date, operating_carrier, flight_number, origin,
--   destination, booking_class, ticket_type, flown, distance_miles, revision, delivery),
--   asked(asked_id), flight_if_paid(said)
-- policy: none
-- rules: F3
SELECT
    CAST(replayed_flights.activity_id AS VARCHAR) AS activity_id,
    CAST(replayed_flights.member_id AS VARCHAR) AS member_id,
    CAST(replayed_flights.flight_date AS DATE) AS flight_date,
    CAST(replayed_flights.operating_carrier AS VARCHAR) AS operating_carrier,
    CAST(replayed_flights.flight_number AS VARCHAR) AS flight_number,
    CAST(replayed_flights.origin AS VARCHAR) AS origin,
    CAST(replayed_flights.destination AS VARCHAR) AS destination,
    CAST(replayed_flights.booking_class AS VARCHAR) AS booking_class,
    CAST(
        CASE
            WHEN replayed_flights.activity_id = asked.asked_id
                AND flight_if_paid.said = 'award_ticket' THEN 'revenue'
            ELSE replayed_flights.ticket_type
        END
        AS VARCHAR
    ) AS ticket_type,
    CAST(
        replayed_flights.flown
        OR (replayed_flights.activity_id = asked.asked_id AND flight_if_paid.said = 'not_flown')
        AS BOOLEAN
    ) AS flown,
    CAST(replayed_flights.distance_miles AS BIGINT) AS distance_miles,
    CAST(replayed_flights.revision AS BIGINT) AS revision,
    CAST(replayed_flights.delivery AS BIGINT) AS delivery
FROM replayed_flights
CROSS JOIN asked
CROSS JOIN flight_if_paid
