-- purpose: The price of every cabin and season in both award charts, one way
-- grain: one row per chart, band, cabin, season and span of days on which the policies hold
-- keys: chart, band, cabin, season, valid_from
-- inputs: policy_region_awards(region, cabin, season, miles, valid_from, valid_to),
--   policy_distance_awards(zone, from_miles, miles, valid_from, valid_to),
--   policy_distance_award_cabins(zone, cabin, share, valid_from, valid_to),
--   policy_distance_award_seasons(season, share, valid_from, valid_to), run_context(day_after)
-- policy: region_awards, distance_awards, distance_award_cabins, distance_award_seasons
-- rules: W2, W3
-- kept: table
WITH region_prices AS (
    SELECT
        'region' AS chart,
        policy_region_awards.region AS band,
        policy_region_awards.cabin,
        policy_region_awards.season,
        policy_region_awards.miles,
        policy_region_awards.valid_from,
        COALESCE(policy_region_awards.valid_to, run_context.day_after) AS valid_until
    FROM policy_region_awards
    CROSS JOIN run_context
),

distance_prices AS (
    SELECT
        'distance' AS chart,
        CASE
            WHEN policy_distance_awards.zone = 'domestic' THEN 'domestic'
            ELSE CAST(policy_distance_awards.from_miles AS VARCHAR)
        END AS band,
        policy_distance_award_cabins.cabin,
        policy_distance_award_seasons.season,
        -- both shares are percents; rounded half up in whole numbers
        (
            2 * policy_distance_awards.miles * policy_distance_award_cabins.share
            * policy_distance_award_seasons.share + 100 * 100
        ) // (2 * 100 * 100) AS miles,
        GREATEST(
            policy_distance_awards.valid_from,
            policy_distance_award_cabins.valid_from,
            policy_distance_award_seasons.valid_from
        ) AS valid_from,
        LEAST(
            COALESCE(policy_distance_awards.valid_to, run_context.day_after),
            COALESCE(policy_distance_award_cabins.valid_to, run_context.day_after),
            COALESCE(policy_distance_award_seasons.valid_to, run_context.day_after)
        ) AS valid_until
    FROM policy_distance_awards
    INNER JOIN policy_distance_award_cabins
        ON policy_distance_awards.zone = policy_distance_award_cabins.zone
    CROSS JOIN policy_distance_award_seasons
    CROSS JOIN run_context
),

prices AS (
    SELECT
        region_prices.chart,
        region_prices.band,
        region_prices.cabin,
        region_prices.season,
        region_prices.miles,
        region_prices.valid_from,
        region_prices.valid_until
    FROM region_prices
    UNION ALL
    SELECT
        distance_prices.chart,
        distance_prices.band,
        distance_prices.cabin,
        distance_prices.season,
        distance_prices.miles,
        distance_prices.valid_from,
        distance_prices.valid_until
    FROM distance_prices
)

SELECT
    CAST(prices.chart AS VARCHAR) AS chart,
    CAST(prices.band AS VARCHAR) AS band,
    CAST(prices.cabin AS VARCHAR) AS cabin,
    CAST(prices.season AS VARCHAR) AS season,
    CAST(prices.miles AS BIGINT) AS miles,
    CAST(prices.valid_from AS DATE) AS valid_from,
    CAST(prices.valid_until AS DATE) AS valid_until
FROM prices
WHERE prices.valid_from < prices.valid_until
