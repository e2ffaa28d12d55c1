-- purpose: The answer to the award request that is asked about, with the figures of its reason
-- grain: one row
-- keys: request_id
-- inputs: asked(asked_id), published_award_results(month, request_id, member_id, requested_at, kind,
--   origin, destination, cabin, season, trip, chart, band, miles, status, reason),
--   award_route(unknown_airport), award_chart(outcome), award_price(said, band),
--   miles_event(usable_before), miles_enough(short)
-- policy: none
-- rules: W5
SELECT
    CAST(
        CASE published_award_results.reason
            WHEN 'not_offered' THEN award_price.said
            ELSE COALESCE(published_award_results.reason, published_award_results.status)
        END
        AS VARCHAR
    ) AS said,
    CAST(published_award_results.request_id AS VARCHAR) AS request_id,
    CAST(published_award_results.member_id AS VARCHAR) AS member_id,
    CAST(published_award_results.requested_at AS TIMESTAMP) AS requested_at,
    CAST(published_award_results.kind AS VARCHAR) AS kind,
    CAST(published_award_results.origin AS VARCHAR) AS origin,
    CAST(published_award_results.destination AS VARCHAR) AS destination,
    CAST(published_award_results.cabin AS VARCHAR) AS cabin,
    CAST(published_award_results.season AS VARCHAR) AS season,
    CAST(published_award_results.trip AS VARCHAR) AS trip,
    CAST(published_award_results.chart AS VARCHAR) AS chart,
    CAST(published_award_results.band AS VARCHAR) AS band,
    CAST(published_award_results.miles AS BIGINT) AS miles,
    CAST(published_award_results.status AS VARCHAR) AS status,
    CAST(published_award_results.reason AS VARCHAR) AS reason,
    CAST(published_award_results.month AS VARCHAR) AS month,
    CAST(award_route.unknown_airport AS VARCHAR) AS unknown_airport,
    CAST(award_chart.outcome AS VARCHAR) AS chart_of_day,
    CAST(award_price.band AS VARCHAR) AS band_of_route,
    CAST(miles_event.usable_before AS BIGINT) AS usable_before,
    CAST(miles_enough.short AS BIGINT) AS short
FROM asked
INNER JOIN published_award_results ON asked.asked_id = published_award_results.request_id
CROSS JOIN miles_event
LEFT JOIN award_route ON TRUE
LEFT JOIN award_chart ON TRUE
LEFT JOIN award_price ON TRUE
LEFT JOIN miles_enough ON TRUE
