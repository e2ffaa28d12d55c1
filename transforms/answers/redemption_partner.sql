-- purpose: Whether the partner takes the benefit, with the partners that do
-- grain: one row where the check before it passed, none else
-- keys: none
-- inputs: policy_point_benefit_partners(partner, benefit, partnered, valid_from, valid_to),
--   redemption_terms(benefit, used_on, reason, listed_partners, partner),
--   redemption_membership(passed)
-- policy: point_benefit_partners
-- rules: P4
WITH listed AS (
    SELECT
        STRING_AGG(
            policy_point_benefit_partners.partner, ', '
            ORDER BY policy_point_benefit_partners.partner
        ) AS partners,
        MIN(policy_point_benefit_partners.partner) AS first_partner
    FROM policy_point_benefit_partners
    INNER JOIN redemption_terms
        ON policy_point_benefit_partners.benefit = redemption_terms.benefit
        AND policy_point_benefit_partners.partnered
        AND policy_point_benefit_partners.valid_from <= redemption_terms.used_on
        AND (
            policy_point_benefit_partners.valid_to IS NULL
            OR redemption_terms.used_on < policy_point_benefit_partners.valid_to
        )
)

SELECT
    CAST(
        CASE
            WHEN redemption_terms.reason = 'unknown_partner' THEN 'unknown_partner'
            WHEN redemption_terms.listed_partners THEN 'listed'
            ELSE 'any'
        END
        AS VARCHAR
    ) AS said,
    CAST(redemption_terms.reason IS DISTINCT FROM 'unknown_partner' AS BOOLEAN) AS passed,
    CAST(redemption_terms.benefit AS VARCHAR) AS benefit,
    CAST(redemption_terms.partner AS VARCHAR) AS partner,
    CAST(listed.partners AS VARCHAR) AS partners,
    CAST(listed.first_partner AS VARCHAR) AS first_partner,
    CAST(redemption_terms.used_on AS DATE) AS used_on
FROM redemption_terms
CROSS JOIN listed
INNER JOIN redemption_membership ON redemption_membership.passed
