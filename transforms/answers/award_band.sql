-- purpose: The band that the distance falls into, by the distance chart, with its price for economy
--   off-peak
-- grain: one row, none by the region chart, or without a chart
-- keys: none
-- inputs: award_request(requested_on, chart, zone, distance, band), award_chart(outcome),
--   policy_distance_awards(zone, from_miles, miles, valid_from, valid_to)
-- policy: distance_awards
-- rules: W3
SELECT
    CAST(award_request.zone AS VARCHAR) AS said,
    CAST(award_request.band AS VARCHAR) AS outcome,
    CAST(award_request.zone AS VARCHAR) AS zone,
    CAST(award_request.distance AS BIGINT) AS distance,
    CAST(policy_distance_awards.from_miles AS BIGINT) AS from_miles,
    CAST(policy_distance_awards.miles AS BIGINT) AS miles,
    CAST(award_request.requested_on AS DATE) AS requested_on
FROM award_request
INNER JOIN award_chart ON award_request.chart = award_chart.outcome
INNER JOIN policy_distance_awards
    ON award_request.zone = policy_distance_awards.zone
    AND award_request.band IN ('domestic', CAST(policy_distance_awards.from_miles AS VARCHAR))
    AND policy_distance_awards.valid_from <= award_request.requested_on
    AND (
        policy_distance_awards.valid_to IS NULL
        OR award_request.requested_on < policy_distance_awards.valid_to
    )
WHERE award_request.chart = 'distance'
