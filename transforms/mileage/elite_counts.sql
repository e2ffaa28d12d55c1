-- purpose: How many members have each status, for the run's summary
-- grain: one row per status that some member has
-- keys: status
-- inputs: elite_status(status, status_by_miles, status_by_flights, qualifying_miles)
-- policy: none
-- rules: E3
SELECT
    CAST(elite_status.status AS VARCHAR) AS status,
    CAST(COUNT(*) AS BIGINT) AS members,
    CAST(
        COUNT(*) FILTER (WHERE elite_status.status_by_miles = elite_status.status) AS BIGINT
    ) AS by_miles,
    CAST(
        COUNT(*) FILTER (WHERE elite_status.status_by_flights = elite_status.status) AS BIGINT
    ) AS by_flights,
    CAST(SUM(elite_status.qualifying_miles) AS BIGINT) AS qualifying_miles
FROM elite_status
GROUP BY elite_status.status
ORDER BY status
