-- purpose: Whether flights of the carrier earn miles
-- grain: one row, none where that is not asked
-- keys: none
-- inputs: flight_asked(operating_carrier, flight_number, flight_date, reason)
-- policy: none
-- rules: F3
SELECT
    CAST(CASE flight_asked.reason WHEN 'partner_carrier' THEN 'other' ELSE 'own' END AS VARCHAR)
        AS said,
    CAST(flight_asked.reason IS DISTINCT FROM 'partner_carrier' AS BOOLEAN) AS passed,
    CAST(flight_asked.operating_carrier AS VARCHAR) AS operating_carrier,
    CAST(flight_asked.flight_number AS VARCHAR) AS flight_number,
    CAST(flight_asked.flight_date AS DATE) AS flight_date
FROM flight_asked
WHERE flight_asked.reason IS NULL
    OR flight_asked.reason IN ('partner_carrier', 'unlisted_class', 'unknown_airport')
