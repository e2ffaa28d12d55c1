-- purpose: Whether the customer had the tier that the benefit is for, in the year of use
-- grain: one row where the checks before it passed, none else
-- keys: none
-- inputs: redemption_terms(required_tier, reason, benefit, used_on, customer_id),
--   replayed_tier_snapshot(tier, customer_id), redemption_partner(passed)
-- policy: none
-- rules: P4
SELECT
    CAST(
        CASE
            WHEN redemption_terms.required_tier IS NULL THEN 'any'
            WHEN redemption_terms.reason IS DISTINCT FROM 'tier_required' THEN 'has_it'
            WHEN replayed_tier_snapshot.tier IS NULL THEN 'no_tier'
            ELSE 'tier_required'
        END
        AS VARCHAR
    ) AS said,
    CAST(redemption_terms.reason IS DISTINCT FROM 'tier_required' AS BOOLEAN) AS passed,
    CAST(redemption_terms.benefit AS VARCHAR) AS benefit,
    CAST(redemption_terms.required_tier AS VARCHAR) AS required_tier,
    CAST(replayed_tier_snapshot.tier AS VARCHAR) AS tier,
    CAST(YEAR(redemption_terms.used_on) AS BIGINT) AS membership_year,
    CAST(redemption_terms.used_on AS DATE) AS used_on
FROM redemption_terms
INNER JOIN redemption_partner ON redemption_partner.passed
LEFT JOIN replayed_tier_snapshot
    ON redemption_terms.customer_id = replayed_tier_snapshot.customer_id
