-- purpose: Whether the flight's member, day and ticket let it earn, in the order of the reasons, as far
--   as they were asked for
-- grain: one row per check
-- keys: said
-- inputs: flight_asked(member_id, enrolled_on, flight_date, ticket_type, reason)
-- policy: none
-- rules: F3
WITH checks AS (
    SELECT 'a' AS place, 'unknown_member' AS reason
    UNION ALL
    SELECT 'b' AS place, 'before_enrolment' AS reason
    UNION ALL
    SELECT 'c' AS place, 'not_flown' AS reason
    UNION ALL
    SELECT 'd' AS place, 'award_ticket' AS reason
),

failures AS (
    SELECT MIN(checks.place) AS place
    FROM flight_asked
    INNER JOIN checks ON flight_asked.reason = checks.reason
)

SELECT
    CAST(
        CASE WHEN checks.reason = flight_asked.reason THEN 'failed_' ELSE 'passed_' END
        || checks.reason
        AS VARCHAR
    ) AS said,
    CAST(checks.reason IS DISTINCT FROM flight_asked.reason AS BOOLEAN) AS passed,
    CAST(flight_asked.member_id AS VARCHAR) AS member_id,
    CAST(flight_asked.enrolled_on AS DATE) AS enrolled_on,
    CAST(flight_asked.flight_date AS DATE) AS flight_date,
    CAST(flight_asked.ticket_type AS VARCHAR) AS ticket_type
FROM flight_asked
CROSS JOIN checks
CROSS JOIN failures
WHERE failures.place IS NULL OR checks.place <= failures.place
ORDER BY checks.place
