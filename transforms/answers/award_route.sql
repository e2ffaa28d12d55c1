-- purpose: Whether both airports are known, and how far the route is
-- grain: one row, none for an unknown member
-- keys: none
-- inputs: award_request(requested_on, origin, destination, zone, distance, reason),
--   replayed_routes(origin, destination, origin_country, destination_country, distance_source,
--   valid_from, valid_until)
-- policy: none
-- rules: F2, W5
SELECT
    CAST(COALESCE(award_request.zone, 'unknown') AS VARCHAR) AS said,
    CAST(award_request.reason IS DISTINCT FROM 'unknown_airport' AS BOOLEAN) AS passed,
    CAST(award_request.origin AS VARCHAR) AS origin,
    CAST(award_request.destination AS VARCHAR) AS destination,
    CAST(replayed_routes.origin_country AS VARCHAR) AS origin_country,
    CAST(replayed_routes.destination_country AS VARCHAR) AS destination_country,
    CAST(
        CASE
            WHEN award_request.zone IS NOT NULL THEN NULL
            WHEN replayed_routes.origin_country IS NULL THEN award_request.origin
            ELSE award_request.destination
        END
        AS VARCHAR
    ) AS unknown_airport,
    CAST(award_request.distance AS BIGINT) AS distance,
    CAST(replayed_routes.distance_source AS VARCHAR) AS distance_source
FROM award_request
LEFT JOIN replayed_routes
    ON award_request.origin = replayed_routes.origin
    AND award_request.destination = replayed_routes.destination
    AND award_request.requested_on >= replayed_routes.valid_from
    AND award_request.requested_on < replayed_routes.valid_until
WHERE award_request.reason IS DISTINCT FROM 'unknown_member'
