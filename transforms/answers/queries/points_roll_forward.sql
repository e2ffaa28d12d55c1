-- question: How did the points outstanding move, period by period?
-- for: finance
-- tables: point_balances
SELECT
    period,
    sum(opening) AS opening,
    sum(credited) AS credited,
    sum(restored) AS restored,
    sum(spent) AS spent,
    sum(expired) AS expired,
    sum(closing) AS closing
FROM point_balances
GROUP BY period
ORDER BY period
