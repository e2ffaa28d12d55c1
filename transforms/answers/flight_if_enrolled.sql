-- purpose: The days by which the member would have had to enrol earlier
-- grain: one row, none where that is not the reason
-- keys: none
-- inputs: flight_asked(flight_date, enrolled_on, reason)
-- policy: none
-- rules: F3
SELECT
    CAST(flight_asked.flight_date AS DATE) AS flight_date,
    CAST(DATE_DIFF('day', flight_asked.flight_date, flight_asked.enrolled_on) AS BIGINT) AS days
FROM flight_asked
WHERE flight_asked.reason = 'before_enrolment'
