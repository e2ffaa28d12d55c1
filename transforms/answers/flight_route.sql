-- purpose: Whether both airports are known, as far as that was asked; and the distance, where there is
--   one
-- grain: one row
-- keys: none
-- inputs: flight_asked(origin, destination, flight_date, distance, distance_source, distance_suspect,
--   reason), replayed_routes(origin, destination, origin_country, destination_country,
--   least_plausible, greatest_plausible, valid_from, valid_until)
-- policy: none
-- rules: F2, F3
SELECT
    CAST(
        CASE
            WHEN flight_asked.reason = 'unknown_airport' THEN 'unknown'
            WHEN flight_asked.distance IS NULL THEN 'no_distance'
            WHEN flight_asked.distance_suspect THEN 'suspect'
            ELSE flight_asked.distance_source
        END
        AS VARCHAR
    ) AS said,
    CAST(
        CASE
            WHEN flight_asked.reason = 'unknown_airport' THEN FALSE
            WHEN flight_asked.reason IS NULL THEN TRUE
        END
        AS BOOLEAN
    ) AS passed,
    CAST(flight_asked.distance AS BIGINT) AS outcome,
    CAST(flight_asked.origin AS VARCHAR) AS origin,
    CAST(flight_asked.destination AS VARCHAR) AS destination,
    CAST(flight_asked.distance_source AS VARCHAR) AS distance_source,
    CAST(flight_asked.distance_suspect AS BOOLEAN) AS distance_suspect,
    CAST(
        CASE
            WHEN replayed_routes.origin_country IS NULL THEN flight_asked.origin
            WHEN replayed_routes.destination_country IS NULL THEN flight_asked.destination
        END
        AS VARCHAR
    ) AS unknown_airport,
    -- a delivered distance is plausible between these
    CAST(CEIL(replayed_routes.least_plausible) AS BIGINT) AS least_plausible,
    CAST(FLOOR(replayed_routes.greatest_plausible) AS BIGINT) AS greatest_plausible
FROM flight_asked
LEFT JOIN replayed_routes
    ON flight_asked.origin = replayed_routes.origin
    AND flight_asked.destination = replayed_routes.destination
    AND flight_asked.flight_date >= replayed_routes.valid_from
    AND flight_asked.flight_date < replayed_routes.valid_until
