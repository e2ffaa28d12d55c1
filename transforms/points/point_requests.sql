-- purpose: The month's redemptions, cancellations and refund applications, with the first reason
--   against each that does not depend on what came before it
-- grain: one row per delivered redemption, cancellation or refund application of the month
-- keys: event_id, is_refund
-- inputs: redemptions(redemption_id, customer_id, used_at, benefit, partner, points, cancels),
--   refund_applications(application_id, customer_id, applied_at, points, method, contact, address),
--   customers(customer_id, joined_on, terminated_on, contact, address),
--   tier_snapshot(customer_id, tier),
--   policy_point_benefits(benefit, listed_partners, required_tier, monthly_limit, valid_from,
--   valid_to), policy_point_benefit_partners(benefit, partner, partnered, valid_from, valid_to),
--   policy_point_refund_terms(least_points, greatest_points, unit_points, valid_from, valid_to)
-- policy: point_benefits, point_benefit_partners, point_refund_terms
-- rules: P2, P4, P5, P6
WITH redemptions_on_terms AS (
    SELECT
        redemptions.*,
        policy_point_benefits.listed_partners,
        policy_point_benefits.required_tier,
        policy_point_benefits.monthly_limit
    FROM redemptions
    INNER JOIN policy_point_benefits
        ON redemptions.benefit = policy_point_benefits.benefit
        AND policy_point_benefits.valid_from <= CAST(redemptions.used_at AS DATE)
        AND (
            policy_point_benefits.valid_to IS NULL
            OR CAST(redemptions.used_at AS DATE) < policy_point_benefits.valid_to
        )
),

partners AS (
    SELECT
        policy_point_benefit_partners.benefit,
        policy_point_benefit_partners.partner,
        policy_point_benefit_partners.valid_from,
        policy_point_benefit_partners.valid_to
    FROM policy_point_benefit_partners
    WHERE policy_point_benefit_partners.partnered
),

tiers AS (
    SELECT tier_snapshot.customer_id, tier_snapshot.tier
    FROM tier_snapshot
    WHERE tier_snapshot.tier IN (
        SELECT policy_point_benefits.required_tier
        FROM policy_point_benefits
        WHERE policy_point_benefits.required_tier IS NOT NULL
    )
),

judged_redemptions AS (
    SELECT
        redemptions_on_terms.customer_id,
        redemptions_on_terms.redemption_id,
        redemptions_on_terms.used_at,
        redemptions_on_terms.benefit,
        redemptions_on_terms.partner,
        redemptions_on_terms.points,
        redemptions_on_terms.cancels,
        redemptions_on_terms.monthly_limit,
        CASE
            WHEN redemptions_on_terms.cancels IS NOT NULL THEN NULL
            WHEN customers.customer_id IS NULL THEN 'unknown_customer'
            WHEN CAST(redemptions_on_terms.used_at AS DATE) < customers.joined_on
                OR CAST(redemptions_on_terms.used_at AS DATE) >= customers.terminated_on
                THEN 'not_a_member'
            WHEN redemptions_on_terms.listed_partners AND partners.partner IS NULL
                THEN 'unknown_partner'
            WHEN redemptions_on_terms.required_tier <> COALESCE(tiers.tier, '')
                THEN 'tier_required'
        END AS refusal
    FROM redemptions_on_terms
    LEFT JOIN customers ON redemptions_on_terms.customer_id = customers.customer_id
    LEFT JOIN partners
        ON redemptions_on_terms.benefit = partners.benefit
        AND redemptions_on_terms.partner = partners.partner
        AND partners.valid_from <= CAST(redemptions_on_terms.used_at AS DATE)
        AND (
            partners.valid_to IS NULL
            OR CAST(redemptions_on_terms.used_at AS DATE) < partners.valid_to
        )
    LEFT JOIN tiers
        ON redemptions_on_terms.customer_id = tiers.customer_id
        AND redemptions_on_terms.required_tier = tiers.tier
),

-- a contact or address is a keyed hash here, and null where there is none
judged_applications AS (
    SELECT
        refund_applications.customer_id,
        refund_applications.application_id,
        refund_applications.applied_at,
        refund_applications.points,
        refund_applications.method,
        CASE
            WHEN customers.customer_id IS NULL THEN 'unknown_customer'
            WHEN (customers.contact IS NULL AND customers.address IS NULL)
                OR (
                    customers.contact IS NOT NULL
                    AND customers.contact IS DISTINCT FROM refund_applications.contact
                )
                OR (
                    customers.address IS NOT NULL
                    AND customers.address IS DISTINCT FROM refund_applications.address
                )
                THEN 'identity_mismatch'
            WHEN refund_applications.points < policy_point_refund_terms.least_points
                THEN 'below_minimum'
            WHEN refund_applications.points > policy_point_refund_terms.greatest_points
                THEN 'above_maximum'
            WHEN refund_applications.points % policy_point_refund_terms.unit_points <> 0
                THEN 'not_in_units'
        END AS refusal
    FROM refund_applications
    INNER JOIN policy_point_refund_terms
        ON policy_point_refund_terms.valid_from <= CAST(refund_applications.applied_at AS DATE)
        AND (
            policy_point_refund_terms.valid_to IS NULL
            OR CAST(refund_applications.applied_at AS DATE) < policy_point_refund_terms.valid_to
        )
    LEFT JOIN customers ON refund_applications.customer_id = customers.customer_id
),

requests AS (
    SELECT
        judged_redemptions.customer_id,
        judged_redemptions.redemption_id AS event_id,
        judged_redemptions.used_at AS occurred_at,
        CASE WHEN judged_redemptions.cancels IS NULL THEN 'spend' ELSE 'cancel' END AS action,
        judged_redemptions.points AS amount,
        CASE
            WHEN judged_redemptions.monthly_limit IS NOT NULL AND judged_redemptions.cancels IS NULL
                THEN judged_redemptions.benefit
        END AS quota,
        judged_redemptions.monthly_limit AS quota_limit,
        judged_redemptions.refusal,
        judged_redemptions.benefit,
        judged_redemptions.partner,
        judged_redemptions.cancels,
        CAST(NULL AS VARCHAR) AS method
    FROM judged_redemptions
    UNION ALL
    SELECT
        judged_applications.customer_id,
        judged_applications.application_id AS event_id,
        judged_applications.applied_at AS occurred_at,
        'spend_refundable' AS action,
        judged_applications.points AS amount,
        CAST(NULL AS VARCHAR) AS quota,
        CAST(NULL AS BIGINT) AS quota_limit,
        judged_applications.refusal,
        CAST(NULL AS VARCHAR) AS benefit,
        CAST(NULL AS VARCHAR) AS partner,
        CAST(NULL AS VARCHAR) AS cancels,
        judged_applications.method
    FROM judged_applications
)

SELECT
    CAST(requests.customer_id AS VARCHAR) AS customer_id,
    CAST(requests.event_id AS VARCHAR) AS event_id,
    CAST(requests.occurred_at AS TIMESTAMP) AS occurred_at,
    CAST(requests.action AS VARCHAR) AS action,
    CAST(requests.amount AS BIGINT) AS amount,
    CAST(requests.quota AS VARCHAR) AS quota,
    CAST(requests.quota_limit AS BIGINT) AS quota_limit,
    CAST(requests.refusal AS VARCHAR) AS refusal,
    CAST(requests.benefit AS VARCHAR) AS benefit,
    CAST(requests.partner AS VARCHAR) AS partner,
    CAST(requests.cancels AS VARCHAR) AS cancels,
    CAST(requests.method AS VARCHAR) AS method,
    CAST(requests.action = 'spend_refundable' AS BOOLEAN) AS is_refund
FROM requests
