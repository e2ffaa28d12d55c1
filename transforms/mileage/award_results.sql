-- purpose: The answer to every award request of the month
-- grain: one row per delivered award request of the month
-- keys: request_id
-- inputs: priced_awards(request_id, member_id, requested_at, kind, origin, destination, cabin,
--   season, trip, chart, band, miles), folded_mileage_events(source_id, kind, refusal, verdict)
-- policy: none
-- rules: W1, W2, W3, W4, W5
WITH decisions AS (
    SELECT folded_mileage_events.source_id, folded_mileage_events.refusal, folded_mileage_events.verdict
    FROM folded_mileage_events
    WHERE folded_mileage_events.kind = 'award'
)

SELECT
    CAST(priced_awards.request_id AS VARCHAR) AS request_id,
    CAST(priced_awards.member_id AS VARCHAR) AS member_id,
    CAST(priced_awards.requested_at AS TIMESTAMP) AS requested_at,
    CAST(priced_awards.kind AS VARCHAR) AS kind,
    CAST(priced_awards.origin AS VARCHAR) AS origin,
    CAST(priced_awards.destination AS VARCHAR) AS destination,
    CAST(priced_awards.cabin AS VARCHAR) AS cabin,
    CAST(priced_awards.season AS VARCHAR) AS season,
    CAST(priced_awards.trip AS VARCHAR) AS trip,
    CAST(priced_awards.chart AS VARCHAR) AS chart,
    CAST(priced_awards.band AS VARCHAR) AS band,
    CAST(priced_awards.miles AS BIGINT) AS miles,
    CAST(
        CASE WHEN decisions.verdict = 'accepted' THEN 'accepted' ELSE 'rejected' END AS VARCHAR
    ) AS status,
    CAST(
        CASE decisions.verdict
            WHEN 'refused' THEN decisions.refusal
            WHEN 'insufficient' THEN 'insufficient_miles'
        END AS VARCHAR
    ) AS reason
FROM priced_awards
INNER JOIN decisions ON priced_awards.request_id = decisions.source_id
ORDER BY member_id, request_id
