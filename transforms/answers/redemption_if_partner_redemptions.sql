-- purpose: The asked redemption at a partner that takes the benefit
-- grain: one row
-- keys: redemption_id
-- inputs: redemption_request(redemption_id), redemption_if_partner(partner)
-- policy: none
-- rules: P4
SELECT
    CAST(redemption_request.redemption_id AS VARCHAR) AS redemption_id,
    CAST(redemption_if_partner.partner AS VARCHAR) AS partner
FROM redemption_if_partner
CROSS JOIN redemption_request
