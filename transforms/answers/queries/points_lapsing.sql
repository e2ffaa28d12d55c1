-- question: Which points that are outstanding lapse in which month?
-- for: finance
-- tables: point_liability
SELECT
    strftime(expires_on, '%Y-%m') AS expires_month,
    kind,
    sum(lots) AS lots,
    sum(points) AS points
FROM point_liability
WHERE period = (SELECT max(period) FROM point_liability)
GROUP BY expires_month, kind
ORDER BY expires_month, kind
