-- purpose: The tier that the benefit is for, where the customer had another or none
-- grain: one row, none where the tier did not matter
-- keys: none
-- inputs: redemption_tier(required_tier, membership_year, passed)
-- policy: none
-- rules: P4
SELECT
    CAST(redemption_tier.required_tier AS VARCHAR) AS tier,
    CAST(redemption_tier.membership_year AS BIGINT) AS membership_year
FROM redemption_tier
WHERE NOT redemption_tier.passed
