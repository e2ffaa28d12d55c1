-- purpose: Every grant has the tier of the year's snapshot, and the points that the policy gives it
-- grain: one row per grant of another tier or amount; none where the claim holds
-- keys: customer_id
-- inputs: point_grants(customer_id, tier, points), tier_snapshot(customer_id, tier),
--   policy_point_grant_amounts(tier, points, valid_from, valid_to), run_context(granted_on)
-- policy: point_grant_amounts
-- rules: G1
WITH amounts AS (
    SELECT policy_point_grant_amounts.tier, policy_point_grant_amounts.points
    FROM policy_point_grant_amounts
    CROSS JOIN run_context
    WHERE policy_point_grant_amounts.valid_from <= run_context.granted_on
        AND (
            policy_point_grant_amounts.valid_to IS NULL
            OR run_context.granted_on < policy_point_grant_amounts.valid_to
        )
)

SELECT
    CAST(point_grants.customer_id AS VARCHAR) AS customer_id,
    CAST(point_grants.tier AS VARCHAR) AS tier,
    CAST(tier_snapshot.tier AS VARCHAR) AS snapshot_tier,
    CAST(point_grants.points AS BIGINT) AS points,
    CAST(amounts.points AS BIGINT) AS policy_points
FROM point_grants
LEFT JOIN tier_snapshot ON point_grants.customer_id = tier_snapshot.customer_id
LEFT JOIN amounts ON point_grants.tier = amounts.tier
WHERE tier_snapshot.tier IS NULL
    OR amounts.points IS NULL
    OR point_grants.tier IS DISTINCT FROM tier_snapshot.tier
    OR point_grants.points IS DISTINCT FROM amounts.points
ORDER BY customer_id
