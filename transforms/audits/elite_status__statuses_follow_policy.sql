-- purpose: Every status is what the policy makes of the published miles and flights, told status by
--   status
-- grain: one row per member of whom a status is not the highest whose mark is met, or what is missing
--   to the next is not what it takes
-- keys: member_id
-- inputs: elite_status(member_id, qualifying_miles, qualifying_half_flights, status_by_miles,
--   status_by_flights, status, missing_to_next, missing_half_flights_to_next),
--   policy_elite_miles(status, from_miles, valid_from, valid_to),
--   policy_elite_flights(status, from_half_flights, valid_from, valid_to),
--   run_context(status_from)
-- policy: elite_miles, elite_flights
-- rules: E3
WITH marks AS (
    SELECT
        policy_elite_miles.status,
        policy_elite_miles.from_miles,
        policy_elite_flights.from_half_flights
    FROM policy_elite_miles
    CROSS JOIN run_context
    LEFT JOIN policy_elite_flights
        ON policy_elite_miles.status = policy_elite_flights.status
        AND policy_elite_flights.valid_from <= run_context.status_from
        AND (
            policy_elite_flights.valid_to IS NULL
            OR run_context.status_from < policy_elite_flights.valid_to
        )
    WHERE policy_elite_miles.valid_from <= run_context.status_from
        AND (
            policy_elite_miles.valid_to IS NULL
            OR run_context.status_from < policy_elite_miles.valid_to
        )
),

-- the next mark above each status: it must not be met
next_marks AS (
    SELECT
        marks.status,
        marks.from_miles,
        marks.from_half_flights,
        MIN(CASE WHEN above.from_miles > marks.from_miles THEN above.from_miles END)
            AS below_miles,
        MIN(
            CASE
                WHEN above.from_half_flights > marks.from_half_flights THEN above.from_half_flights
            END
        ) AS below_half_flights
    FROM marks
    CROSS JOIN marks AS above
    GROUP BY marks.status, marks.from_miles, marks.from_half_flights
)

SELECT
    CAST(elite_status.member_id AS VARCHAR) AS member_id,
    CAST(elite_status.qualifying_miles AS BIGINT) AS qualifying_miles,
    CAST(elite_status.qualifying_half_flights AS BIGINT) AS qualifying_half_flights,
    CAST(elite_status.status_by_miles AS VARCHAR) AS status_by_miles,
    CAST(elite_status.status_by_flights AS VARCHAR) AS status_by_flights,
    CAST(elite_status.status AS VARCHAR) AS status
FROM elite_status
LEFT JOIN next_marks AS of_miles ON elite_status.status_by_miles = of_miles.status
LEFT JOIN next_marks AS of_flights ON elite_status.status_by_flights = of_flights.status
LEFT JOIN next_marks AS of_both ON elite_status.status = of_both.status
WHERE of_miles.status IS NULL
    OR of_flights.from_half_flights IS NULL
    OR elite_status.qualifying_miles < of_miles.from_miles
    OR elite_status.qualifying_miles >= of_miles.below_miles
    OR elite_status.qualifying_half_flights < of_flights.from_half_flights
    OR elite_status.qualifying_half_flights >= of_flights.below_half_flights
    OR of_both.from_miles IS DISTINCT FROM GREATEST(of_miles.from_miles, of_flights.from_miles)
    OR elite_status.missing_to_next IS DISTINCT FROM (
        of_miles.below_miles - elite_status.qualifying_miles
    )
    OR elite_status.missing_half_flights_to_next IS DISTINCT FROM (
        of_flights.below_half_flights - elite_status.qualifying_half_flights
    )
ORDER BY member_id
