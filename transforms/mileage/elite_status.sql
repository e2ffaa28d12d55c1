-- purpose: The elite status of every member for a status year, and how it came about
-- grain: one row per member enrolled by the end of the flights' year
-- keys: member_id
-- inputs: rated_flights(member_id, flight_date, miles, half_flights, earns, counts),
--   members(member_id, enrolled_on),
--   policy_elite_miles(status, from_miles, valid_from, valid_to),
--   policy_elite_flights(status, from_half_flights, valid_from, valid_to),
--   run_context(first_day, day_after, status_from, status_to, policies)
-- policy: elite_miles, elite_flights
-- rules: F3, E1, E2, E3, E4
WITH mile_marks AS (
    SELECT
        MAX(CASE policy_elite_miles.status WHEN 'silver' THEN policy_elite_miles.from_miles END)
            AS silver,
        MAX(CASE policy_elite_miles.status WHEN 'gold' THEN policy_elite_miles.from_miles END)
            AS gold,
        MAX(CASE policy_elite_miles.status WHEN 'platinum' THEN policy_elite_miles.from_miles END)
            AS platinum,
        MAX(CASE policy_elite_miles.status WHEN 'diamond' THEN policy_elite_miles.from_miles END)
            AS diamond
    FROM policy_elite_miles
    CROSS JOIN run_context
    WHERE policy_elite_miles.valid_from <= run_context.status_from
        AND (
            policy_elite_miles.valid_to IS NULL
            OR run_context.status_from < policy_elite_miles.valid_to
        )
),

-- a status without a row has no mark, and is not reached by flights
flight_marks AS (
    SELECT
        MAX(
            CASE policy_elite_flights.status
                WHEN 'silver' THEN policy_elite_flights.from_half_flights
            END
        ) AS silver,
        MAX(
            CASE policy_elite_flights.status
                WHEN 'gold' THEN policy_elite_flights.from_half_flights
            END
        ) AS gold,
        MAX(
            CASE policy_elite_flights.status
                WHEN 'platinum' THEN policy_elite_flights.from_half_flights
            END
        ) AS platinum,
        MAX(
            CASE policy_elite_flights.status
                WHEN 'diamond' THEN policy_elite_flights.from_half_flights
            END
        ) AS diamond
    FROM policy_elite_flights
    CROSS JOIN run_context
    WHERE policy_elite_flights.valid_from <= run_context.status_from
        AND (
            policy_elite_flights.valid_to IS NULL
            OR run_context.status_from < policy_elite_flights.valid_to
        )
),

-- the only members that can have flown before they enrolled
late_members AS (
    SELECT members.member_id, members.enrolled_on
    FROM members
    CROSS JOIN run_context
    WHERE members.enrolled_on > run_context.first_day
),

qualifying_flights AS (
    SELECT rated_flights.member_id, rated_flights.miles, rated_flights.half_flights
    FROM rated_flights
    LEFT JOIN late_members ON rated_flights.member_id = late_members.member_id
    WHERE rated_flights.earns
        AND rated_flights.counts
        AND (
            late_members.enrolled_on IS NULL
            OR late_members.enrolled_on <= rated_flights.flight_date
        )
),

qualifying_totals AS (
    SELECT
        qualifying_flights.member_id,
        SUM(qualifying_flights.miles) AS miles,
        SUM(qualifying_flights.half_flights) AS half_flights
    FROM qualifying_flights
    GROUP BY qualifying_flights.member_id
),

member_totals AS (
    SELECT
        members.member_id,
        COALESCE(qualifying_totals.miles, 0) AS miles,
        COALESCE(qualifying_totals.half_flights, 0) AS half_flights,
        run_context.status_from,
        run_context.status_to
    FROM members
    CROSS JOIN run_context
    LEFT JOIN qualifying_totals ON members.member_id = qualifying_totals.member_id
    WHERE members.enrolled_on < run_context.day_after
),

statuses AS (
    SELECT
        member_totals.*,
        CASE
            WHEN member_totals.miles >= mile_marks.diamond THEN 'diamond'
            WHEN member_totals.miles >= mile_marks.platinum THEN 'platinum'
            WHEN member_totals.miles >= mile_marks.gold THEN 'gold'
            WHEN member_totals.miles >= mile_marks.silver THEN 'silver'
            ELSE 'none'
        END AS status_by_miles,
        CASE
            WHEN member_totals.half_flights >= flight_marks.diamond THEN 'diamond'
            WHEN member_totals.half_flights >= flight_marks.platinum THEN 'platinum'
            WHEN member_totals.half_flights >= flight_marks.gold THEN 'gold'
            WHEN member_totals.half_flights >= flight_marks.silver THEN 'silver'
            ELSE 'none'
        END AS status_by_flights,
        -- marks rise, so the first that is not met is the next one
        CASE
            WHEN member_totals.miles < mile_marks.silver
                THEN mile_marks.silver - member_totals.miles
            WHEN member_totals.miles < mile_marks.gold THEN mile_marks.gold - member_totals.miles
            WHEN member_totals.miles < mile_marks.platinum
                THEN mile_marks.platinum - member_totals.miles
            WHEN member_totals.miles < mile_marks.diamond
                THEN mile_marks.diamond - member_totals.miles
        END AS missing_to_next,
        CASE
            WHEN member_totals.half_flights < flight_marks.silver
                THEN flight_marks.silver - member_totals.half_flights
            WHEN member_totals.half_flights < flight_marks.gold
                THEN flight_marks.gold - member_totals.half_flights
            WHEN member_totals.half_flights < flight_marks.platinum
                THEN flight_marks.platinum - member_totals.half_flights
            WHEN member_totals.half_flights < flight_marks.diamond
                THEN flight_marks.diamond - member_totals.half_flights
        END AS missing_half_flights_to_next
    FROM member_totals
    CROSS JOIN mile_marks
    CROSS JOIN flight_marks
),

final_statuses AS (
    SELECT
        statuses.*,
        CASE
            WHEN 'diamond' IN (statuses.status_by_miles, statuses.status_by_flights)
                THEN 'diamond'
            WHEN 'platinum' IN (statuses.status_by_miles, statuses.status_by_flights)
                THEN 'platinum'
            WHEN 'gold' IN (statuses.status_by_miles, statuses.status_by_flights) THEN 'gold'
            WHEN 'silver' IN (statuses.status_by_miles, statuses.status_by_flights) THEN 'silver'
            ELSE 'none'
        END AS status
    FROM statuses
)

SELECT
    CAST(final_statuses.member_id AS VARCHAR) AS member_id,
    CAST(final_statuses.miles AS BIGINT) AS qualifying_miles,
    CAST(final_statuses.half_flights AS BIGINT) AS qualifying_half_flights,
    CAST(final_statuses.status_by_miles AS VARCHAR) AS status_by_miles,
    CAST(final_statuses.status_by_flights AS VARCHAR) AS status_by_flights,
    CAST(final_statuses.status AS VARCHAR) AS status,
    CAST(final_statuses.status_from AS DATE) AS valid_from,
    CAST(final_statuses.status_to AS DATE) AS valid_to,
    CAST(run_context.policies AS VARCHAR) AS policy,
    CAST(final_statuses.missing_to_next AS BIGINT) AS missing_to_next,
    CAST(final_statuses.missing_half_flights_to_next AS BIGINT) AS missing_half_flights_to_next
FROM final_statuses
CROSS JOIN run_context
ORDER BY member_id
