-- purpose: What the member's flights of the year come to
-- grain: one row
-- keys: none
-- inputs: elite_lines(passed, miles, half_flights), replayed_run_context(first_day, day_after)
-- policy: none
-- rules: E1, E2
WITH totals AS (
    SELECT
        COUNT(*) AS flights,
        COALESCE(SUM(CASE WHEN elite_lines.passed THEN 1 ELSE 0 END), 0) AS counting,
        CAST(COALESCE(SUM(elite_lines.miles), 0) AS BIGINT) AS miles,
        CAST(COALESCE(SUM(elite_lines.half_flights), 0) AS BIGINT) AS half_flights
    FROM elite_lines
)

SELECT
    CAST(totals.miles AS BIGINT) AS outcome,
    CAST(totals.half_flights AS BIGINT) AS half_flights,
    CAST(
        CAST(totals.half_flights // 2 AS VARCHAR)
        || CASE totals.half_flights % 2 WHEN 1 THEN '½' ELSE '' END
        AS VARCHAR
    ) AS qualifying_flights,
    CAST(totals.counting AS BIGINT) AS counting_flights,
    CAST(totals.flights AS BIGINT) AS flights,
    CAST(replayed_run_context.first_day AS DATE) AS flights_from,
    CAST(replayed_run_context.day_after - INTERVAL 1 DAY AS DATE) AS flights_to
FROM totals
CROSS JOIN replayed_run_context
