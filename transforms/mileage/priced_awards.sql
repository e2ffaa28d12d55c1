-- purpose: What every award request costs, or why it can't be had whatever the miles
-- grain: one row per delivered award request of the month
-- keys: request_id
-- inputs: banded_awards(request_id, member_id, requested_at, requested_on, kind, origin, destination,
--   cabin, season, trip, chart, zone, band), members(member_id),
--   award_prices(chart, band, cabin, season, miles, valid_from, valid_until),
--   policy_award_upgrades(cabin, from_cabin, valid_from, valid_to),
--   policy_award_trips(trip, legs, valid_from, valid_to)
-- policy: award_upgrades, award_trips
-- rules: W1, W2, W3, W4, W5
-- kept: table
WITH
-- what is paid per leg: the cabin, less the one that an upgrade starts from (W4)
priced_legs AS (
    SELECT
        banded_awards.request_id,
        CASE
            WHEN banded_awards.kind = 'ticket' THEN own_prices.miles
            ELSE own_prices.miles - lower_prices.miles
        END AS miles
    FROM banded_awards
    INNER JOIN award_prices AS own_prices
        ON banded_awards.chart = own_prices.chart
        AND banded_awards.band = own_prices.band
        AND banded_awards.cabin = own_prices.cabin
        AND banded_awards.season = own_prices.season
        AND banded_awards.requested_on >= own_prices.valid_from
        AND banded_awards.requested_on < own_prices.valid_until
    LEFT JOIN policy_award_upgrades
        ON banded_awards.cabin = policy_award_upgrades.cabin
        AND banded_awards.requested_on >= policy_award_upgrades.valid_from
        AND (
            policy_award_upgrades.valid_to IS NULL
            OR banded_awards.requested_on < policy_award_upgrades.valid_to
        )
    LEFT JOIN award_prices AS lower_prices
        ON banded_awards.chart = lower_prices.chart
        AND banded_awards.band = lower_prices.band
        AND policy_award_upgrades.from_cabin = lower_prices.cabin
        AND banded_awards.season = lower_prices.season
        AND banded_awards.requested_on >= lower_prices.valid_from
        AND banded_awards.requested_on < lower_prices.valid_until
),

judged_requests AS (
    SELECT
        banded_awards.request_id,
        banded_awards.member_id,
        banded_awards.requested_at,
        banded_awards.kind,
        banded_awards.origin,
        banded_awards.destination,
        banded_awards.cabin,
        banded_awards.season,
        banded_awards.trip,
        banded_awards.chart,
        banded_awards.band,
        priced_legs.miles * policy_award_trips.legs AS miles,
        CASE
            WHEN members.member_id IS NULL THEN 'unknown_member'
            WHEN banded_awards.zone IS NULL THEN 'unknown_airport'
            WHEN priced_legs.miles IS NULL THEN 'not_offered'
        END AS refusal
    FROM banded_awards
    INNER JOIN policy_award_trips
        ON banded_awards.trip = policy_award_trips.trip
        AND banded_awards.requested_on >= policy_award_trips.valid_from
        AND (
            policy_award_trips.valid_to IS NULL
            OR banded_awards.requested_on < policy_award_trips.valid_to
        )
    LEFT JOIN priced_legs ON banded_awards.request_id = priced_legs.request_id
    LEFT JOIN members ON banded_awards.member_id = members.member_id
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
