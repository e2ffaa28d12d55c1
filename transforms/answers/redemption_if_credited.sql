-- purpose: The points short of the redemption, as a credit of its day
-- grain: one row, none where none were short
-- keys: none
-- inputs: redemption_balance(short)
-- policy: none
-- rules: P4
SELECT CAST(redemption_balance.short AS BIGINT) AS points
FROM redemption_balance
WHERE redemption_balance.short IS NOT NULL
