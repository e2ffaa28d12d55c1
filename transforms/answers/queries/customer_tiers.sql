-- question: Which tiers has a customer had, and what was missing to the next?
-- for: agent
-- tables: tier_snapshot
-- parameters: customer_id (C0000194)
SELECT membership_year, tier, fee_tier, annual_fee, tenure_years, missing_to_next
FROM tier_snapshot
WHERE customer_id = $customer_id
ORDER BY membership_year
