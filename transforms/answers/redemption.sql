-- purpose: The answer to the asked redemption or cancellation, with the figures of its reason
-- grain: one row
-- keys: none
-- inputs: redemption_request(reason, cancels, status, used_at, benefit, partner, points),
--   redemption_membership(said, joined_on, terminated_on), redemption_tier(said, required_tier,
--   tier, membership_year), redemption_partner(partners), redemption_limit(monthly_limit,
--   earlier_id, earlier_at), redemption_balance(usable, short), redemption_named(named_reason),
--   redemption_left(named_points, came_back, left_of_it, last_id, last_at), redemption_lots(moved)
-- policy: none
-- rules: P4, P5
SELECT
    CAST(
        CASE
            WHEN redemption_request.reason = 'not_a_member' THEN redemption_membership.said
            WHEN redemption_request.reason = 'tier_required' THEN redemption_tier.said
            WHEN redemption_request.reason IS NOT NULL THEN redemption_request.reason
            WHEN redemption_request.cancels IS NULL THEN 'accepted'
            ELSE 'given_back'
        END
        AS VARCHAR
    ) AS said,
    CAST(redemption_request.status AS VARCHAR) AS status,
    CAST(redemption_request.reason AS VARCHAR) AS reason,
    CAST(redemption_request.used_at AS TIMESTAMP) AS used_at,
    CAST(CAST(redemption_request.used_at AS DATE) AS DATE) AS used_on,
    CAST(redemption_request.benefit AS VARCHAR) AS benefit,
    CAST(redemption_request.partner AS VARCHAR) AS partner,
    CAST(redemption_request.points AS BIGINT) AS points,
    CAST(redemption_request.cancels AS VARCHAR) AS cancels,
    CAST(redemption_membership.joined_on AS DATE) AS joined_on,
    CAST(redemption_membership.terminated_on AS DATE) AS terminated_on,
    CAST(redemption_partner.partners AS VARCHAR) AS partners,
    CAST(redemption_tier.required_tier AS VARCHAR) AS required_tier,
    CAST(redemption_tier.tier AS VARCHAR) AS tier,
    CAST(redemption_tier.membership_year AS BIGINT) AS membership_year,
    CAST(redemption_limit.monthly_limit AS BIGINT) AS monthly_limit,
    CAST(redemption_limit.earlier_id AS VARCHAR) AS earlier_id,
    CAST(redemption_limit.earlier_at AS TIMESTAMP) AS earlier_at,
    CAST(redemption_balance.usable AS BIGINT) AS usable,
    CAST(redemption_balance.short AS BIGINT) AS short,
    CAST(redemption_named.named_reason AS VARCHAR) AS named_reason,
    CAST(redemption_left.named_points AS BIGINT) AS named_points,
    CAST(redemption_left.came_back AS BIGINT) AS came_back,
    CAST(redemption_left.left_of_it AS BIGINT) AS left_of_it,
    CAST(redemption_left.last_id AS VARCHAR) AS last_id,
    CAST(redemption_left.last_at AS TIMESTAMP) AS last_at,
    CAST(
        (
            SELECT SUM(redemption_lots.moved)
            FROM redemption_lots
        )
        AS BIGINT
    ) AS moved
FROM redemption_request
LEFT JOIN redemption_membership ON redemption_request.cancels IS NULL
LEFT JOIN redemption_partner ON redemption_request.cancels IS NULL
LEFT JOIN redemption_tier ON redemption_request.cancels IS NULL
LEFT JOIN redemption_limit ON redemption_request.cancels IS NULL
LEFT JOIN redemption_balance ON redemption_request.cancels IS NULL
LEFT JOIN redemption_named ON redemption_request.cancels IS NOT NULL
LEFT JOIN redemption_left ON redemption_request.cancels IS NOT NULL
