-- question: Which points lapsed of which nobody was told, and why not?
-- for: finance
-- tables: expiry_sweep
SELECT year, cause, untold, count(*) AS lots, sum(points) AS points
FROM expiry_sweep
WHERE untold IS NOT NULL
GROUP BY year, cause, untold
ORDER BY year, cause, untold
