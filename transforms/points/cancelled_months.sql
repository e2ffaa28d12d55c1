-- purpose: The earlier months whose redemptions this month's cancellations name, and those in which
--   some of these came back already
-- grain: one row per month
-- keys: month
-- inputs: earlier_redemptions(redemption_id, customer_id, month, action),
--   earlier_results(month, customer_id, cancels, status)
-- policy: none
-- rules: P5
WITH months AS (
    SELECT earlier_redemptions.month
    FROM earlier_redemptions
    WHERE earlier_redemptions.action = 'earlier'
    UNION
    SELECT earlier_results.month
    FROM earlier_results
    INNER JOIN earlier_redemptions
        ON earlier_results.cancels = earlier_redemptions.redemption_id
        AND earlier_results.customer_id = earlier_redemptions.customer_id
    WHERE earlier_redemptions.action = 'earlier'
        AND earlier_results.status = 'accepted'
)

SELECT CAST(months.month AS VARCHAR) AS month
FROM months
ORDER BY month
