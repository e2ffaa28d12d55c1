-- purpose: The won less with which the fee alone gives the tier below
-- grain: one row, none where there is no such tier
-- keys: none
-- inputs: tier_by_fee(over, tier_below)
-- policy: none
-- rules: T4
SELECT CAST(tier_by_fee.over + 1 AS BIGINT) AS amount
FROM tier_by_fee
WHERE tier_by_fee.tier_below IS NOT NULL
