-- question: What were points used for, and where, and how many of them were given back since?
-- for: product owner
-- tables: redemption_results
WITH cancellations AS (
    SELECT cancels AS redemption_id, sum(points) AS given_back
    FROM redemption_results
    WHERE status = 'accepted' AND cancels IS NOT NULL
    GROUP BY cancels
)

SELECT
    substr(redemption_results.month, 1, 4) AS year,
    redemption_results.benefit,
    redemption_results.partner,
    count(*) AS redemptions,
    sum(redemption_results.points) AS points,
    sum(coalesce(cancellations.given_back, 0)) AS given_back
FROM redemption_results
LEFT JOIN cancellations ON redemption_results.redemption_id = cancellations.redemption_id
WHERE redemption_results.status = 'accepted' AND redemption_results.cancels IS NULL
GROUP BY year, redemption_results.benefit, redemption_results.partner
ORDER BY year, redemption_results.benefit, redemption_results.partner
