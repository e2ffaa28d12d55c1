-- purpose: What share of the distance the booking class earns on the day
-- grain: one row, none where that is not asked
-- keys: none
-- inputs: flight_asked(booking_class, flight_date, reason), replayed_rated_flights(activity_id, rate),
--   asked(asked_id)
-- policy: none
-- rules: F1, F3
SELECT
    CAST(CASE flight_asked.reason WHEN 'unlisted_class' THEN 'unlisted' ELSE 'listed' END AS VARCHAR)
        AS said,
    CAST(flight_asked.reason IS DISTINCT FROM 'unlisted_class' AS BOOLEAN) AS passed,
    CAST(replayed_rated_flights.rate AS BIGINT) AS outcome,
    CAST(flight_asked.booking_class AS VARCHAR) AS booking_class,
    CAST(flight_asked.flight_date AS DATE) AS flight_date
FROM flight_asked
CROSS JOIN asked
INNER JOIN replayed_rated_flights ON asked.asked_id = replayed_rated_flights.activity_id
WHERE flight_asked.reason IS NULL
    OR flight_asked.reason IN ('unlisted_class', 'unknown_airport')
