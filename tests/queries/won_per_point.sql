SELECT membership_year, tier, sum(annual_fee) // sum(points) AS won_paid_per_point
FROM tier_snapshot
JOIN point_grants USING (membership_year, customer_id, tier)
GROUP BY membership_year, tier
ORDER BY membership_year, tier;
