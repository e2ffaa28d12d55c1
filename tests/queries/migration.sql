SELECT before.tier AS tier_2017, now.tier AS tier_2018, count(*) AS customers
FROM tier_snapshot AS before
JOIN tier_snapshot AS now USING (customer_id)
WHERE before.membership_year = 2017 AND now.membership_year = 2018
GROUP BY tier_2017, tier_2018
ORDER BY tier_2017, tier_2018;
