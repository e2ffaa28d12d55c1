-- purpose: No subscription has two rows in micropayment_usage
-- grain: one row per subscription with more than one row; none where the claim holds
-- keys: subscription_id
-- inputs: micropayment_usage(subscription_id)
-- policy: none
-- rules: M5, Q1
SELECT
    CAST(micropayment_usage.subscription_id AS VARCHAR) AS subscription_id,
    CAST(COUNT(*) AS BIGINT) AS copies
FROM micropayment_usage
GROUP BY micropayment_usage.subscription_id
HAVING COUNT(*) > 1
ORDER BY subscription_id
