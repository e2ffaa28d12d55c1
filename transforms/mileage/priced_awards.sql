-- purpose: What every award request costs, or why it can't be had whatever the miles
-- grain: one row per delivered award request of the month
-- keys: request_id
-- inputs: award_requests(request_id, member_id, requested_at, kind, origin, destination, cabin,
--   season, trip), members(member_id),
--   routes(origin, destination, origin_country, destination_country, home_country, zone, miles,
--   valid_from, valid_until), award_prices(chart, band, cabin, season, miles, valid_from,
--   valid_until), policy_award_chart(chart, valid_from, valid_to),
--   policy_award_regions(place, region, valid_from, valid_to),
--   policy_distance_awards(zone, from_miles, valid_from, valid_to),
--   policy_award_upgrades(cabin, from_cabin, valid_from, valid_to),
--   policy_award_trips(trip, legs, valid_from, valid_to)
-- policy: award_chart, award_regions, distance_awards, award_upgrades, award_trips
-- rules: W1, W2, W3, W4, W5
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
),

banded_requests AS (
    SELECT
        routed_requests.*,
        CASE
            WHEN routed_requests.zone = 'domestic' THEN 'domestic'
            ELSE COALESCE(region_bands.band, distance_bands.band)
        END AS band
    FROM routed_requests
    LEFT JOIN region_bands ON routed_requests.request_id = region_bands.request_id
    LEFT JOIN distance_bands ON routed_requests.request_id = distance_bands.request_id
),

-- what is paid per leg: the cabin, less the one that an upgrade starts from (W4)
priced_legs AS (
    SELECT
        banded_requests.request_id,
        CASE
            WHEN banded_requests.kind = 'ticket' THEN own_prices.miles
            ELSE own_prices.miles - lower_prices.miles
        END AS miles
    FROM banded_requests
    INNER JOIN award_prices AS own_prices
        ON banded_requests.chart = own_prices.chart
        AND banded_requests.band = own_prices.band
        AND banded_requests.cabin = own_prices.cabin
        AND banded_requests.season = own_prices.season
        AND banded_requests.requested_on >= own_prices.valid_from
        AND banded_requests.requested_on < own_prices.valid_until
    LEFT JOIN policy_award_upgrades
        ON banded_requests.cabin = policy_award_upgrades.cabin
        AND banded_requests.requested_on >= policy_award_upgrades.valid_from
        AND (
            policy_award_upgrades.valid_to IS NULL
            OR banded_requests.requested_on < policy_award_upgrades.valid_to
        )
    LEFT JOIN award_prices AS lower_prices
        ON banded_requests.chart = lower_prices.chart
        AND banded_requests.band = lower_prices.band
        AND policy_award_upgrades.from_cabin = lower_prices.cabin
        AND banded_requests.season = lower_prices.season
        AND banded_requests.requested_on >= lower_prices.valid_from
        AND banded_requests.requested_on < lower_prices.valid_until
),

judged_requests AS (
    SELECT
        banded_requests.*,
        priced_legs.miles * policy_award_trips.legs AS miles,
        CASE
            WHEN members.member_id IS NULL THEN 'unknown_member'
            WHEN banded_requests.zone IS NULL THEN 'unknown_airport'
            WHEN priced_legs.miles IS NULL THEN 'not_offered'
        END AS refusal
    FROM banded_requests
    INNER JOIN policy_award_trips
        ON banded_requests.trip = policy_award_trips.trip
        AND banded_requests.requested_on >= policy_award_trips.valid_from
        AND (
            policy_award_trips.valid_to IS NULL
            OR banded_requests.requested_on < policy_award_trips.valid_to
        )
    LEFT JOIN priced_legs ON banded_requests.request_id = priced_legs.request_id
    LEFT JOIN members ON banded_requests.member_id = members.member_id
)

SELECT
    CAST(judged_requests.request_id AS VARCHAR) AS request_id,
    CAST(judged_requests.member_id AS VARCHAR) AS member_id,
    CAST(judged_requests.requested_at AS TIMESTAMP) AS requested_at,
    CAST(judged_requests.kind AS VARCHAR) AS kind,
    CAST(judged_requests.origin AS VARCHAR) AS origin,
    CAST(judged_requests.destination AS VARCHAR) AS destination,
    CAST(judged_requests.cabin AS VARCHAR) AS cabin,
    CAST(judged_requests.season AS VARCHAR) AS season,
    CAST(judged_requests.trip AS VARCHAR) AS trip,
    CAST(
        CASE WHEN judged_requests.refusal IS NULL THEN judged_requests.chart END AS VARCHAR
    ) AS chart,
    CAST(
        CASE WHEN judged_requests.refusal IS NULL THEN judged_requests.band END AS VARCHAR
    ) AS band,
    CAST(
        CASE WHEN judged_requests.refusal IS NULL THEN judged_requests.miles END AS BIGINT
    ) AS miles,
    CAST(judged_requests.refusal AS VARCHAR) AS refusal
FROM judged_requests
