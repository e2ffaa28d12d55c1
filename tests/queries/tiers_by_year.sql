SELECT membership_year, tier, count(*) AS customers, sum(upgraded::INTEGER) AS upgraded
FROM tier_snapshot
GROUP BY membership_year, tier
ORDER BY membership_year, tier;
