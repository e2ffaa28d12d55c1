-- purpose: The earlier months whose redemptions this month's cancellations name
-- grain: one row per month
-- keys: month
-- inputs: earlier_redemptions(month, action)
-- policy: none
-- rules: P5
SELECT DISTINCT CAST(earlier_redemptions.month AS VARCHAR) AS month
FROM earlier_redemptions
WHERE earlier_redemptions.action = 'earlier'
ORDER BY month
