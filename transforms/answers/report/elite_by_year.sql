-- purpose: Members by elite status and year, and what gave it to them
-- grain: one row per status year and status that any member has
-- keys: status_year, status
-- inputs: elite_status(status_year, status_by_miles, status_by_flights, status,
--   qualifying_miles), run_context(status_year)
-- policy: none
-- rules: E3, E4
SELECT
    CAST(elite_status.status_year AS BIGINT) AS status_year,
    CAST(elite_status.status AS VARCHAR) AS status,
    CAST(COUNT(*) AS BIGINT) AS members,
    CAST(
        SUM(
            CASE
                WHEN elite_status.status = elite_status.status_by_miles
                    AND elite_status.status <> elite_status.status_by_flights THEN 1
                ELSE 0
            END
        )
        AS BIGINT
    ) AS by_miles_alone,
    CAST(
        SUM(
            CASE
                WHEN elite_status.status = elite_status.status_by_flights
                    AND elite_status.status <> elite_status.status_by_miles THEN 1
                ELSE 0
            END
        )
        AS BIGINT
    ) AS by_flights_alone,
    CAST(SUM(elite_status.qualifying_miles) AS BIGINT) AS qualifying_miles
FROM elite_status
CROSS JOIN run_context
WHERE elite_status.status_year <= run_context.status_year
GROUP BY elite_status.status_year, elite_status.status
ORDER BY status_year, status
