-- question: How many customers moved from which tier to which, year by year?
-- for: analyst
-- tables: tier_moves
SELECT membership_year, tier_before, tier, sum(customers) AS customers
FROM tier_moves
GROUP BY membership_year, tier_before, tier
ORDER BY membership_year, tier_before NULLS LAST, tier NULLS LAST
