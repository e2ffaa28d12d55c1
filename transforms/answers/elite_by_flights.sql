-- purpose: The flights from which each status is reached, with how far the member's lie from them, in
--   half flights
-- grain: one row per status that flights give
-- keys: status
-- inputs: published_elite_status(qualifying_half_flights, status_by_flights, valid_from),
--   policy_elite_flights(status, from_half_flights, valid_from, valid_to)
-- policy: elite_flights
-- rules: E3
WITH marks AS (
    SELECT
        policy_elite_flights.status,
        policy_elite_flights.from_half_flights,
        published_elite_status.qualifying_half_flights,
        published_elite_status.status_by_flights,
        published_elite_status.valid_from,
        ABS(
            published_elite_status.qualifying_half_flights
            - policy_elite_flights.from_half_flights
        ) AS away
    FROM published_elite_status
    INNER JOIN policy_elite_flights
        ON policy_elite_flights.valid_from <= published_elite_status.valid_from
        AND (
            policy_elite_flights.valid_to IS NULL
            OR published_elite_status.valid_from < policy_elite_flights.valid_to
        )
    WHERE policy_elite_flights.from_half_flights > 0
)

SELECT
    CAST(
        CASE WHEN marks.qualifying_half_flights >= marks.from_half_flights THEN 'reached'
            ELSE 'missed'
        END
        AS VARCHAR
    ) AS said,
    CAST(marks.status AS VARCHAR) AS status,
    CAST(marks.from_half_flights AS BIGINT) AS from_half_flights,
    CAST(marks.qualifying_half_flights AS BIGINT) AS qualifying_half_flights,
    CAST(marks.status_by_flights AS VARCHAR) AS status_by_flights,
    CAST(
        CASE WHEN marks.qualifying_half_flights >= marks.from_half_flights THEN marks.away END
        AS BIGINT
    ) AS over,
    CAST(
        CASE WHEN marks.qualifying_half_flights < marks.from_half_flights THEN marks.away END
        AS BIGINT
    ) AS short,
    CAST(
        CAST(marks.from_half_flights // 2 AS VARCHAR)
        || CASE marks.from_half_flights % 2 WHEN 1 THEN '½' ELSE '' END
        AS VARCHAR
    ) AS from_flights,
    CAST(
        CAST(marks.away // 2 AS VARCHAR) || CASE marks.away % 2 WHEN 1 THEN '½' ELSE '' END
        AS VARCHAR
    ) AS away,
    CAST(marks.valid_from AS DATE) AS status_from
FROM marks
ORDER BY from_half_flights
