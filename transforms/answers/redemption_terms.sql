-- purpose: The terms of the redeemed benefit on the day of use
-- grain: one row
-- keys: none
-- inputs: redemption_request(redemption_id, customer_id, used_on, turn, benefit, partner, reason),
--   policy_point_benefits(listed_partners, required_tier, monthly_limit, benefit, valid_from,
--   valid_to)
-- policy: point_benefits
-- rules: P4
-- kept: table
SELECT
    CAST(redemption_request.redemption_id AS VARCHAR) AS redemption_id,
    CAST(redemption_request.customer_id AS VARCHAR) AS customer_id,
    CAST(redemption_request.used_on AS DATE) AS used_on,
    CAST(redemption_request.turn AS BIGINT) AS turn,
    CAST(redemption_request.benefit AS VARCHAR) AS benefit,
    CAST(redemption_request.partner AS VARCHAR) AS partner,
    CAST(redemption_request.reason AS VARCHAR) AS reason,
    CAST(policy_point_benefits.listed_partners AS BOOLEAN) AS listed_partners,
    CAST(policy_point_benefits.required_tier AS VARCHAR) AS required_tier,
    CAST(policy_point_benefits.monthly_limit AS BIGINT) AS monthly_limit
FROM redemption_request
INNER JOIN policy_point_benefits
    ON redemption_request.benefit = policy_point_benefits.benefit
    AND policy_point_benefits.valid_from <= redemption_request.used_on
    AND (
        policy_point_benefits.valid_to IS NULL
        OR redemption_request.used_on < policy_point_benefits.valid_to
    )
