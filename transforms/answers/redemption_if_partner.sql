-- purpose: A partner that takes the benefit, where that of the redemption does not
-- grain: one row, none where the partner takes it
-- keys: none
-- inputs: redemption_partner(first_partner, benefit, passed)
-- policy: none
-- rules: P4
SELECT
    CAST(redemption_partner.first_partner AS VARCHAR) AS partner,
    CAST(redemption_partner.benefit AS VARCHAR) AS benefit
FROM redemption_partner
WHERE NOT redemption_partner.passed
    AND redemption_partner.first_partner IS NOT NULL
