-- purpose: The month's award requests, had this one been off-peak
-- grain: one row per request
-- keys: request_id
-- inputs: replayed_award_requests(request_id, member_id, requested_at, kind, origin, destination, cabin,
--   season, trip, delivery), asked(asked_id)
-- policy: none
-- rules: W2, W3
SELECT
    CAST(replayed_award_requests.request_id AS VARCHAR) AS request_id,
    CAST(replayed_award_requests.member_id AS VARCHAR) AS member_id,
    CAST(replayed_award_requests.requested_at AS TIMESTAMP) AS requested_at,
    CAST(replayed_award_requests.kind AS VARCHAR) AS kind,
    CAST(replayed_award_requests.origin AS VARCHAR) AS origin,
    CAST(replayed_award_requests.destination AS VARCHAR) AS destination,
    CAST(replayed_award_requests.cabin AS VARCHAR) AS cabin,
    CAST(
        CASE
            WHEN replayed_award_requests.request_id = asked.asked_id THEN 'off_peak'
            ELSE replayed_award_requests.season
        END
        AS VARCHAR
    ) AS season,
    CAST(replayed_award_requests.trip AS VARCHAR) AS trip,
    CAST(replayed_award_requests.delivery AS BIGINT) AS delivery
FROM replayed_award_requests
CROSS JOIN asked
