-- purpose: What the flight counts for the elite status
-- grain: one row, none where it earned nothing
-- keys: none
-- inputs: flight_asked(origin, destination, flight_date, half_flights, reason),
--   replayed_routes(origin, destination, zone, valid_from, valid_until)
-- policy: none
-- rules: E2
SELECT
    CAST(
        CASE WHEN flight_asked.half_flights = 0 THEN 'no' ELSE replayed_routes.zone END AS VARCHAR
    ) AS said,
    CAST(flight_asked.half_flights AS BIGINT) AS outcome,
    CAST(replayed_routes.zone AS VARCHAR) AS zone,
    CAST(flight_asked.flight_date AS DATE) AS flight_date
FROM flight_asked
INNER JOIN replayed_routes
    ON flight_asked.origin = replayed_routes.origin
    AND flight_asked.destination = replayed_routes.destination
    AND flight_asked.flight_date >= replayed_routes.valid_from
    AND flight_asked.flight_date < replayed_routes.valid_until
WHERE flight_asked.reason IS NULL
