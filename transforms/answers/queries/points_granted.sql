-- question: How many points were granted to which tiers?
-- for: product owner
-- tables: point_grants
SELECT membership_year, tier, count(*) AS customers, sum(points) AS points
FROM point_grants
GROUP BY membership_year, tier
ORDER BY membership_year, tier
