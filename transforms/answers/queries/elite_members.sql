-- question: How many members have which status, and by what?
-- for: airline
-- tables: elite_status
SELECT
    status_year,
    status,
    count(*) AS members,
    count(*) FILTER (WHERE status_by_miles = status) AS by_miles,
    count(*) FILTER (WHERE status_by_flights = status) AS by_flights
FROM elite_status
GROUP BY status_year, status
ORDER BY status_year, status
