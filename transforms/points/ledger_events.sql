-- purpose: The month's requests for the fold, with the first reason against each that does not
--   depend on what came before it
-- grain: one row per request, and per redemption of an earlier month that one of them cancels
-- keys: event_id, action
-- inputs: point_requests(customer_id, event_id, occurred_at, action, amount, benefit, partner,
--   cancels, ticketed_id, method, contact, address), tickets(redemption_id, ticket),
--   customers_spans(customer_id, joined_on, terminated_on, counts_from, counts_until),
--   identities(application_id, contact, address),
--   tier_snapshot(customer_id, tier),
--   policy_point_benefits(benefit, listed_partners, required_tier, monthly_limit, valid_from,
--   valid_to), policy_point_benefit_partners(benefit, partner, partnered, valid_from, valid_to),
--   policy_point_refund_terms(least_points, greatest_points, unit_points, valid_from, valid_to)
-- policy: point_benefits, point_benefit_partners, point_refund_terms
-- rules: P2, P4, P5, P6, R1
WITH requests AS (
    SELECT
        point_requests.*,
        CAST(point_requests.occurred_at AS DATE) AS on_day
    FROM point_requests
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

partners AS (
    SELECT
        policy_point_benefit_partners.benefit,
        policy_point_benefit_partners.partner,
        policy_point_benefit_partners.valid_from,
        policy_point_benefit_partners.valid_to
    FROM policy_point_benefit_partners
    WHERE policy_point_benefit_partners.partnered
),

-- a contact or address is a keyed hash here, and null where there is none
judged AS (
    SELECT
        requests.*,
        policy_point_benefits.monthly_limit,
        CASE
            WHEN requests.action IN ('spend', 'cancel')
                THEN policy_point_benefits.valid_from IS NOT NULL
            WHEN requests.action = 'spend_refundable'
                THEN policy_point_refund_terms.valid_from IS NOT NULL
            ELSE TRUE
        END AS on_terms,
        CASE
            WHEN requests.action NOT IN ('spend', 'spend_refundable') THEN NULL
            WHEN customers_spans.customer_id IS NULL THEN 'unknown_customer'
            WHEN requests.action = 'spend' THEN CASE
                WHEN requests.on_day < customers_spans.joined_on
                    OR requests.on_day >= customers_spans.terminated_on
                    THEN 'not_a_member'
                WHEN policy_point_benefits.listed_partners AND partners.partner IS NULL
                    THEN 'unknown_partner'
                WHEN policy_point_benefits.required_tier <> COALESCE(tiers.tier, '')
                    THEN 'tier_required'
            END
            WHEN (identities.contact IS NULL AND identities.address IS NULL)
                OR (
                    identities.contact IS NOT NULL
                    AND identities.contact IS DISTINCT FROM requests.contact
                )
                OR (
                    identities.address IS NOT NULL
                    AND identities.address IS DISTINCT FROM requests.address
                )
                THEN 'identity_mismatch'
            WHEN requests.amount < policy_point_refund_terms.least_points THEN 'below_minimum'
            WHEN requests.amount > policy_point_refund_terms.greatest_points THEN 'above_maximum'
            WHEN requests.amount % policy_point_refund_terms.unit_points <> 0 THEN 'not_in_units'
        END AS refusal
    FROM requests
    LEFT JOIN customers_spans
        ON requests.customer_id = customers_spans.customer_id
        AND (
            customers_spans.counts_from IS NULL
            OR customers_spans.counts_from <= requests.on_day
        )
        AND (
            customers_spans.counts_until IS NULL
            OR requests.on_day < customers_spans.counts_until
        )
    LEFT JOIN identities
        ON requests.event_id = identities.application_id
        AND requests.action = 'spend_refundable'
    LEFT JOIN policy_point_benefits
        ON requests.benefit = policy_point_benefits.benefit
        AND policy_point_benefits.valid_from <= requests.on_day
        AND (
            policy_point_benefits.valid_to IS NULL
            OR requests.on_day < policy_point_benefits.valid_to
        )
    LEFT JOIN partners
        ON requests.benefit = partners.benefit
        AND requests.partner = partners.partner
        AND partners.valid_from <= requests.on_day
        AND (partners.valid_to IS NULL OR requests.on_day < partners.valid_to)
    LEFT JOIN tiers
        ON requests.customer_id = tiers.customer_id
        AND policy_point_benefits.required_tier = tiers.tier
    LEFT JOIN policy_point_refund_terms
        ON requests.action = 'spend_refundable'
        AND policy_point_refund_terms.valid_from <= requests.on_day
        AND (
            policy_point_refund_terms.valid_to IS NULL
            OR requests.on_day < policy_point_refund_terms.valid_to
        )
)

SELECT
    CAST(judged.customer_id AS VARCHAR) AS customer_id,
    CAST(judged.event_id AS VARCHAR) AS event_id,
    CAST(judged.occurred_at AS TIMESTAMP) AS occurred_at,
    CAST(judged.on_day AS DATE) AS on_day,
    CAST(judged.action AS VARCHAR) AS action,
    CAST(judged.amount AS BIGINT) AS amount,
    CAST(
        CASE
            WHEN judged.action = 'spend' AND judged.monthly_limit IS NOT NULL THEN judged.benefit
        END
        AS VARCHAR
    ) AS quota,
    CAST(judged.monthly_limit AS BIGINT) AS quota_limit,
    CAST(judged.refusal AS VARCHAR) AS refusal,
    CAST(tickets.ticket AS BIGINT) AS ticket,
    -- in time; of the same moment, redemptions before cancellations before refunds
    CAST(
        (EPOCH_US(judged.occurred_at) * 2 + CAST(judged.action <> 'spend' AS BIGINT)) * 2
        + CAST(judged.action = 'spend_refundable' AS BIGINT)
        AS BIGINT
    ) AS turn,
    CAST(judged.benefit AS VARCHAR) AS benefit,
    CAST(judged.partner AS VARCHAR) AS partner,
    CAST(judged.cancels AS VARCHAR) AS cancels,
    CAST(judged.method AS VARCHAR) AS method,
    -- what the sweep takes has one
    CAST(NULL AS VARCHAR) AS cause
FROM judged
LEFT JOIN tickets ON judged.ticketed_id = tickets.redemption_id
WHERE judged.on_terms
ORDER BY judged.customer_id, judged.event_id, judged.action
