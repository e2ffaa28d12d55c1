-- question: What were points used for, and where?
-- for: product owner
-- tables: redemption_results
SELECT
    substr(month, 1, 4) AS year,
    benefit,
    partner,
    count(*) AS redemptions,
    sum(points) AS points
FROM redemption_results
WHERE status = 'accepted' AND cancels IS NULL
GROUP BY year, benefit, partner
ORDER BY year, benefit, partner
