-- purpose: Which chart holds for every award request, and where its route stands in it
-- grain: one row per delivered award request of the month
-- keys: request_id
-- inputs: award_requests(request_id, member_id, requested_at, kind, origin, destination, cabin,
--   season, trip), routes(origin, destination, origin_country, destination_country, home_country,
--   zone, miles, valid_from, valid_until), policy_award_chart(chart, valid_from, valid_to),
--   policy_award_regions(place, region, valid_from, valid_to),
--   policy_distance_awards(zone, from_miles, valid_from, valid_to)
-- policy: award_chart, award_regions, distance_awards
-- rules: W1, W2, W3
-- kept: table
WITH requests AS (
    SELECT
        award_requests.request_id,
        award_requests.member_id,
        award_requests.requested_at,
        CAST(award_requests.requested_at AS DATE) AS requested_on,
        award_requests.kind,
        award_requests.origin,
        award_requests.destination,
        award_requests.cabin,
        award_requests.season,
        award_requests.trip
    FROM award_requests
),

-- the airport that is not at home decides the region; with none at home there is none (W2)
routed_requests AS (
    SELECT
        requests.*,
        policy_award_chart.chart,
        routes.zone,
        routes.miles AS distance,
        CASE
            WHEN routes.zone = 'domestic' THEN NULL
            WHEN routes.origin_country = routes.home_country THEN requests.destination
            WHEN routes.destination_country = routes.home_country THEN requests.origin
        END AS foreign_airport,
        CASE
            WHEN routes.zone = 'domestic' THEN NULL
            WHEN routes.origin_country = routes.home_country THEN routes.destination_country
            WHEN routes.destination_country = routes.home_country THEN routes.origin_country
        END AS foreign_country
    FROM requests
    INNER JOIN policy_award_chart
        ON requests.requested_on >= policy_award_chart.valid_from
        AND (
            policy_award_chart.valid_to IS NULL
            OR requests.requested_on < policy_award_chart.valid_to
        )
    LEFT JOIN routes
        ON requests.origin = routes.origin
        AND requests.destination = routes.destination
        AND requests.requested_on >= routes.valid_from
        AND requests.requested_on < routes.valid_until
),

-- an airport goes before its country, a country before every other place
region_bands AS (
    SELECT
        routed_requests.request_id,
        COALESCE(
            MIN(policy_award_regions.region) FILTER (
                WHERE policy_award_regions.place = routed_requests.foreign_airport
            ),
            MIN(policy_award_regions.region) FILTER (
                WHERE policy_award_regions.place = routed_requests.foreign_country
            ),
            MIN(policy_award_regions.region) FILTER (WHERE policy_award_regions.place = '*')
        ) AS band
    FROM routed_requests
    INNER JOIN policy_award_regions
        ON policy_award_regions.place IN (
            routed_requests.foreign_airport, routed_requests.foreign_country, '*'
        )
        AND routed_requests.requested_on >= policy_award_regions.valid_from
        AND (
            policy_award_regions.valid_to IS NULL
            OR routed_requests.requested_on < policy_award_regions.valid_to
        )
    WHERE routed_requests.chart = 'region'
        AND routed_requests.foreign_airport IS NOT NULL
    GROUP BY routed_requests.request_id
),

distance_bands AS (
    SELECT
        routed_requests.request_id,
        CAST(MAX(policy_distance_awards.from_miles) AS VARCHAR) AS band
    FROM routed_requests
    INNER JOIN policy_distance_awards
        ON routed_requests.zone = policy_distance_awards.zone
        AND routed_requests.distance >= policy_distance_awards.from_miles
        AND routed_requests.requested_on >= policy_distance_awards.valid_from
        AND (
            policy_distance_awards.valid_to IS NULL
            OR routed_requests.requested_on < policy_distance_awards.valid_to
        )
    WHERE routed_requests.chart = 'distance'
    GROUP BY routed_requests.request_id
)

SELECT
    CAST(routed_requests.request_id AS VARCHAR) AS request_id,
    CAST(routed_requests.member_id AS VARCHAR) AS member_id,
    CAST(routed_requests.requested_at AS TIMESTAMP) AS requested_at,
    CAST(routed_requests.requested_on AS DATE) AS requested_on,
    CAST(routed_requests.kind AS VARCHAR) AS kind,
    CAST(routed_requests.origin AS VARCHAR) AS origin,
    CAST(routed_requests.destination AS VARCHAR) AS destination,
    CAST(routed_requests.cabin AS VARCHAR) AS cabin,
    CAST(routed_requests.season AS VARCHAR) AS season,
    CAST(routed_requests.trip AS VARCHAR) AS trip,
    CAST(routed_requests.chart AS VARCHAR) AS chart,
    CAST(routed_requests.zone AS VARCHAR) AS zone,
    CAST(routed_requests.distance AS BIGINT) AS distance,
    CAST(routed_requests.foreign_airport AS VARCHAR) AS foreign_airport,
    CAST(routed_requests.foreign_country AS VARCHAR) AS foreign_country,
    CAST(
        CASE
            WHEN routed_requests.zone = 'domestic' THEN 'domestic'
            ELSE COALESCE(region_bands.band, distance_bands.band)
        END
        AS VARCHAR
    ) AS band
FROM routed_requests
LEFT JOIN region_bands ON routed_requests.request_id = region_bands.request_id
LEFT JOIN distance_bands ON routed_requests.request_id = distance_bands.request_id
