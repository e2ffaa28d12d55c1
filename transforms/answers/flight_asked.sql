-- purpose: The flight that is asked about: as it was delivered, what became of it, whose it is
-- grain: one row
-- keys: activity_id
-- inputs: asked(asked_id), replayed_flights(activity_id, member_id, flight_date, operating_carrier,
--   flight_number, origin, destination, booking_class, ticket_type, flown),
--   published_mileage_accruals(activity_id, distance, distance_source, distance_suspect, rate, miles,
--   half_flights, reason), replayed_members(member_id, enrolled_on)
-- policy: none
-- rules: F1, F2, F3
SELECT
    CAST(replayed_flights.activity_id AS VARCHAR) AS activity_id,
    CAST(replayed_flights.member_id AS VARCHAR) AS member_id,
    CAST(replayed_members.enrolled_on AS DATE) AS enrolled_on,
    CAST(replayed_flights.flight_date AS DATE) AS flight_date,
    CAST(replayed_flights.operating_carrier AS VARCHAR) AS operating_carrier,
    CAST(replayed_flights.flight_number AS VARCHAR) AS flight_number,
    CAST(replayed_flights.origin AS VARCHAR) AS origin,
    CAST(replayed_flights.destination AS VARCHAR) AS destination,
    CAST(replayed_flights.booking_class AS VARCHAR) AS booking_class,
    CAST(replayed_flights.ticket_type AS VARCHAR) AS ticket_type,
    CAST(replayed_flights.flown AS BOOLEAN) AS flown,
    CAST(published_mileage_accruals.distance AS BIGINT) AS distance,
    CAST(published_mileage_accruals.distance_source AS VARCHAR) AS distance_source,
    CAST(published_mileage_accruals.distance_suspect AS BOOLEAN) AS distance_suspect,
    CAST(published_mileage_accruals.rate AS BIGINT) AS rate,
    CAST(published_mileage_accruals.miles AS BIGINT) AS miles,
    CAST(published_mileage_accruals.half_flights AS BIGINT) AS half_flights,
    CAST(published_mileage_accruals.reason AS VARCHAR) AS reason
FROM asked
INNER JOIN replayed_flights ON asked.asked_id = replayed_flights.activity_id
INNER JOIN published_mileage_accruals
    ON replayed_flights.activity_id = published_mileage_accruals.activity_id
LEFT JOIN replayed_members ON replayed_flights.member_id = replayed_members.member_id
