-- purpose: The refundable points short of the application, as a credit of its day
-- grain: one row, none where none were short
-- keys: none
-- inputs: refund_balance(short)
-- policy: none
-- rules: P6
SELECT CAST(refund_balance.short AS BIGINT) AS points
FROM refund_balance
WHERE refund_balance.short IS NOT NULL
