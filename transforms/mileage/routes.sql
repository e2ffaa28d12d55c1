-- purpose: Every route that a flight or award request names: its distance, and whether it is
--   domestic
-- grain: one row per route and span of days on which the policies that it rests on hold
-- keys: origin, destination, valid_from
-- inputs: flights(origin, destination), award_requests(origin, destination),
--   airports(airport, country, latitude, longitude),
--   published_distances(airport, other_airport, miles),
--   policy_great_circle(earth_radius, statute_mile, valid_from, valid_to),
--   policy_distance_tolerance(beyond, valid_from, valid_to),
--   policy_home_country(country, valid_from, valid_to),
--   policy_qualifying_flights(zone, half_flights, valid_from, valid_to),
--   run_context(first_day, day_after)
-- policy: great_circle, distance_tolerance, home_country, qualifying_flights
-- rules: F2, W3, E2
-- kept: table
WITH named_routes AS (
    SELECT flights.origin, flights.destination
    FROM flights
    UNION
    SELECT award_requests.origin, award_requests.destination
    FROM award_requests
),

published_routes AS (
    SELECT
        published_distances.airport AS origin,
        published_distances.other_airport AS destination,
        published_distances.miles
    FROM published_distances
    UNION ALL
    SELECT
        published_distances.other_airport AS origin,
        published_distances.airport AS destination,
        published_distances.miles
    FROM published_distances
),

-- the haversine of the angle between the two airports, seen from the centre of the earth
placed_routes AS (
    SELECT
        named_routes.origin,
        named_routes.destination,
        origins.country AS origin_country,
        destinations.country AS destination_country,
        published_routes.miles AS published_miles,
        SIN(CAST(RADIANS(destinations.latitude - origins.latitude) AS DOUBLE) / 2)
        * SIN(CAST(RADIANS(destinations.latitude - origins.latitude) AS DOUBLE) / 2)
        + COS(RADIANS(origins.latitude)) * COS(RADIANS(destinations.latitude))
        * SIN(CAST(RADIANS(destinations.longitude - origins.longitude) AS DOUBLE) / 2)
        * SIN(CAST(RADIANS(destinations.longitude - origins.longitude) AS DOUBLE) / 2)
            AS haversine
    FROM named_routes
    LEFT JOIN airports AS origins ON named_routes.origin = origins.airport
    LEFT JOIN airports AS destinations ON named_routes.destination = destinations.airport
    LEFT JOIN published_routes
        ON named_routes.origin = published_routes.origin
        AND named_routes.destination = published_routes.destination
),

terms AS (
    SELECT
        policy_great_circle.earth_radius,
        policy_great_circle.statute_mile,
        policy_distance_tolerance.beyond,
        policy_home_country.country AS home_country,
        GREATEST(
            policy_great_circle.valid_from,
            policy_distance_tolerance.valid_from,
            policy_home_country.valid_from,
            run_context.first_day
        ) AS valid_from,
        LEAST(
            COALESCE(policy_great_circle.valid_to, run_context.day_after),
            COALESCE(policy_distance_tolerance.valid_to, run_context.day_after),
            COALESCE(policy_home_country.valid_to, run_context.day_after),
            run_context.day_after
        ) AS valid_until
    FROM policy_great_circle
    CROSS JOIN policy_distance_tolerance
    CROSS JOIN policy_home_country
    CROSS JOIN run_context
),

measured_routes AS (
    SELECT
        placed_routes.origin,
        placed_routes.destination,
        placed_routes.origin_country,
        placed_routes.destination_country,
        placed_routes.published_miles,
        -- both policies are in millimetres, so that their ratio is in miles; LEAST passes over nulls
        CASE
            WHEN placed_routes.haversine IS NOT NULL
                THEN 2 * ASIN(SQRT(LEAST(placed_routes.haversine, 1)))
                    * CAST(terms.earth_radius AS DOUBLE) / CAST(terms.statute_mile AS DOUBLE)
        END AS great_circle,
        terms.beyond,
        CASE
            WHEN placed_routes.haversine IS NULL THEN NULL
            WHEN placed_routes.origin_country = terms.home_country
                AND placed_routes.destination_country = terms.home_country THEN 'domestic'
            ELSE 'international'
        END AS zone,
        terms.home_country,
        terms.valid_from,
        terms.valid_until
    FROM placed_routes
    CROSS JOIN terms
    WHERE terms.valid_from < terms.valid_until
)

SELECT
    CAST(measured_routes.origin AS VARCHAR) AS origin,
    CAST(measured_routes.destination AS VARCHAR) AS destination,
    CAST(measured_routes.origin_country AS VARCHAR) AS origin_country,
    CAST(measured_routes.destination_country AS VARCHAR) AS destination_country,
    CAST(measured_routes.home_country AS VARCHAR) AS home_country,
    CAST(measured_routes.zone AS VARCHAR) AS zone,
    CAST(COALESCE(policy_qualifying_flights.half_flights, 0) AS BIGINT) AS half_flights,
    -- the one rounding of a fraction: half up, as nothing here is below 0
    CAST(
        COALESCE(
            measured_routes.published_miles, CAST(ROUND(measured_routes.great_circle) AS BIGINT)
        ) AS BIGINT
    ) AS miles,
    CAST(
        CASE
            WHEN measured_routes.published_miles IS NOT NULL THEN 'published'
            WHEN measured_routes.great_circle IS NOT NULL THEN 'great_circle'
        END AS VARCHAR
    ) AS distance_source,
    CAST(
        measured_routes.great_circle * (100 - measured_routes.beyond) / CAST(100 AS DOUBLE)
        AS DOUBLE
    ) AS least_plausible,
    CAST(
        measured_routes.great_circle * (100 + measured_routes.beyond) / CAST(100 AS DOUBLE)
        AS DOUBLE
    ) AS greatest_plausible,
    CAST(
        GREATEST(
            measured_routes.valid_from,
            COALESCE(policy_qualifying_flights.valid_from, measured_routes.valid_from)
        ) AS DATE
    ) AS valid_from,
    CAST(
        LEAST(
            measured_routes.valid_until,
            COALESCE(policy_qualifying_flights.valid_to, measured_routes.valid_until)
        ) AS DATE
    ) AS valid_until
FROM measured_routes
LEFT JOIN policy_qualifying_flights
    ON measured_routes.zone = policy_qualifying_flights.zone
    AND policy_qualifying_flights.valid_from < measured_routes.valid_until
    AND (
        policy_qualifying_flights.valid_to IS NULL
        OR policy_qualifying_flights.valid_to > measured_routes.valid_from
    )
