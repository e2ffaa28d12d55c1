-- purpose: The won more with which the fee alone gives the next tier
-- grain: one row, none where there is no such tier
-- keys: none
-- inputs: tier_by_fee(next_short)
-- policy: none
-- rules: T4
SELECT CAST(tier_by_fee.next_short AS BIGINT) AS amount
FROM tier_by_fee
WHERE tier_by_fee.next_short IS NOT NULL
