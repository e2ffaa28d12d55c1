-- purpose: The customer's tier of the year as it would be with the one that the benefit is for
-- grain: one row
-- keys: customer_id
-- inputs: redemption_request(customer_id), redemption_if_tier(tier)
-- policy: none
-- rules: P4
SELECT
    CAST(redemption_request.customer_id AS VARCHAR) AS customer_id,
    CAST(redemption_if_tier.tier AS VARCHAR) AS tier
FROM redemption_request
CROSS JOIN redemption_if_tier
