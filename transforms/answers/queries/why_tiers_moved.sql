-- question: Why did customers move between tiers?
-- for: product owner
-- tables: tier_moves
SELECT
    membership_year,
    why,
    sum(customers) AS customers,
    sum(points_after) - sum(points_before) AS more_points
FROM tier_moves
GROUP BY membership_year, why
ORDER BY membership_year, why NULLS LAST
