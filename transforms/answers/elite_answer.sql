-- purpose: The elite status of the asked member and year, or that there is none
-- grain: one row, none for a member whom no committed file has
-- keys: none
-- inputs: published_elite_status(qualifying_miles, qualifying_half_flights, status_by_miles,
--   status_by_flights, status, valid_from, valid_to), replayed_members(enrolled_on),
--   elite_totals(qualifying_flights, flights_from, flights_to)
-- policy: none
-- rules: E1, E3, E4
SELECT
    CAST(
        CASE WHEN published_elite_status.status IS NULL THEN 'not_enrolled' ELSE 'assessed' END
        AS VARCHAR
    ) AS said,
    CAST(published_elite_status.status AS VARCHAR) AS status,
    CAST(published_elite_status.status_by_miles AS VARCHAR) AS status_by_miles,
    CAST(published_elite_status.status_by_flights AS VARCHAR) AS status_by_flights,
    CAST(published_elite_status.qualifying_miles AS BIGINT) AS qualifying_miles,
    CAST(published_elite_status.qualifying_half_flights AS BIGINT) AS qualifying_half_flights,
    CAST(elite_totals.qualifying_flights AS VARCHAR) AS qualifying_flights,
    CAST(published_elite_status.valid_from AS DATE) AS valid_from,
    CAST(published_elite_status.valid_to AS DATE) AS valid_to,
    CAST(elite_totals.flights_from AS DATE) AS flights_from,
    CAST(elite_totals.flights_to AS DATE) AS flights_to,
    CAST(replayed_members.enrolled_on AS DATE) AS enrolled_on
FROM replayed_members
CROSS JOIN elite_totals
LEFT JOIN published_elite_status ON TRUE
