-- purpose: What the trip costs, and of what that is made, or why it is not offered
-- grain: one row, none where the route has no price for want of member or airport
-- keys: none
-- inputs: award_request(request_id, requested_on, kind, cabin, season, trip, chart, band, reason),
--   award_chart(outcome), replayed_priced_awards(request_id, miles),
--   replayed_award_prices(chart, band, cabin, season, miles, valid_from, valid_until),
--   policy_award_upgrades(cabin, from_cabin, valid_from, valid_to),
--   policy_award_trips(trip, legs, valid_from, valid_to)
-- policy: award_upgrades, award_trips
-- rules: W2, W3, W4
WITH prices AS (
    SELECT
        award_request.requested_on,
        award_request.kind,
        award_request.cabin,
        award_request.season,
        award_request.trip,
        award_request.chart,
        award_request.band,
        award_request.reason,
        replayed_priced_awards.miles,
        policy_award_trips.legs,
        policy_award_upgrades.from_cabin,
        own_prices.miles AS own_price,
        lower_prices.miles AS lower_price
    FROM award_request
    INNER JOIN award_chart ON award_request.chart = award_chart.outcome
    INNER JOIN replayed_priced_awards
        ON award_request.request_id = replayed_priced_awards.request_id
    INNER JOIN policy_award_trips
        ON award_request.trip = policy_award_trips.trip
        AND policy_award_trips.valid_from <= award_request.requested_on
        AND (
            policy_award_trips.valid_to IS NULL
            OR award_request.requested_on < policy_award_trips.valid_to
        )
    LEFT JOIN policy_award_upgrades
        ON award_request.kind <> 'ticket'
        AND award_request.cabin = policy_award_upgrades.cabin
        AND policy_award_upgrades.valid_from <= award_request.requested_on
        AND (
            policy_award_upgrades.valid_to IS NULL
            OR award_request.requested_on < policy_award_upgrades.valid_to
        )
    LEFT JOIN replayed_award_prices AS own_prices
        ON award_request.chart = own_prices.chart
        AND award_request.band = own_prices.band
        AND award_request.cabin = own_prices.cabin
        AND award_request.season = own_prices.season
        AND award_request.requested_on >= own_prices.valid_from
        AND award_request.requested_on < own_prices.valid_until
    LEFT JOIN replayed_award_prices AS lower_prices
        ON award_request.chart = lower_prices.chart
        AND award_request.band = lower_prices.band
        AND policy_award_upgrades.from_cabin = lower_prices.cabin
        AND award_request.season = lower_prices.season
        AND award_request.requested_on >= lower_prices.valid_from
        AND award_request.requested_on < lower_prices.valid_until
)

SELECT
    CAST(
        CASE
            WHEN prices.band IS NULL THEN 'no_region'
            WHEN prices.own_price IS NULL THEN 'no_cabin'
            WHEN prices.kind = 'ticket' THEN 'ticket'
            WHEN prices.from_cabin IS NULL THEN 'no_upgrade'
            ELSE 'upgrade'
        END
        AS VARCHAR
    ) AS said,
    CAST(prices.reason IS DISTINCT FROM 'not_offered' AS BOOLEAN) AS passed,
    CAST(prices.miles AS BIGINT) AS outcome,
    CAST(prices.chart AS VARCHAR) AS chart,
    CAST(prices.band AS VARCHAR) AS band,
    CAST(prices.kind AS VARCHAR) AS kind,
    CAST(prices.cabin AS VARCHAR) AS cabin,
    CAST(prices.from_cabin AS VARCHAR) AS from_cabin,
    CAST(prices.season AS VARCHAR) AS season,
    CAST(prices.trip AS VARCHAR) AS trip,
    CAST(prices.legs AS BIGINT) AS legs,
    CAST(prices.own_price AS BIGINT) AS own_price,
    CAST(prices.lower_price AS BIGINT) AS lower_price,
    -- the day on which the region chart's price is read, where there is one
    CAST(
        CASE
            WHEN prices.chart = 'region' AND prices.miles IS NOT NULL
                THEN prices.requested_on
        END
        AS DATE
    ) AS region_on
FROM prices
