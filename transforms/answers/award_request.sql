-- purpose: The award request that is asked about: its route, its place in the chart, and its reason
-- grain: one row
-- keys: request_id
-- inputs: miles_event(source_id, reason), replayed_banded_awards(request_id, requested_on, kind, origin,
--   destination, cabin, season, trip, chart, zone, distance, foreign_airport, foreign_country, band)
-- policy: none
-- rules: W1, W2, W3, W5
SELECT
    CAST(replayed_banded_awards.request_id AS VARCHAR) AS request_id,
    CAST(replayed_banded_awards.requested_on AS DATE) AS requested_on,
    CAST(replayed_banded_awards.kind AS VARCHAR) AS kind,
    CAST(replayed_banded_awards.origin AS VARCHAR) AS origin,
    CAST(replayed_banded_awards.destination AS VARCHAR) AS destination,
    CAST(replayed_banded_awards.cabin AS VARCHAR) AS cabin,
    CAST(replayed_banded_awards.season AS VARCHAR) AS season,
    CAST(replayed_banded_awards.trip AS VARCHAR) AS trip,
    CAST(replayed_banded_awards.chart AS VARCHAR) AS chart,
    CAST(replayed_banded_awards.zone AS VARCHAR) AS zone,
    CAST(replayed_banded_awards.distance AS BIGINT) AS distance,
    CAST(replayed_banded_awards.foreign_airport AS VARCHAR) AS foreign_airport,
    CAST(replayed_banded_awards.foreign_country AS VARCHAR) AS foreign_country,
    CAST(replayed_banded_awards.band AS VARCHAR) AS band,
    CAST(miles_event.reason AS VARCHAR) AS reason
FROM miles_event
INNER JOIN replayed_banded_awards ON miles_event.source_id = replayed_banded_awards.request_id
