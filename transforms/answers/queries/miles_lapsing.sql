-- question: How many miles that members hold lapse in which year?
-- for: airline
-- tables: mileage_lots
SELECT
    extract(year FROM expires_on) AS expires_year,
    count(DISTINCT member_id) AS members,
    sum(remaining) AS miles
FROM mileage_lots
WHERE month = (SELECT max(month) FROM mileage_lots)
GROUP BY expires_year
ORDER BY expires_year
