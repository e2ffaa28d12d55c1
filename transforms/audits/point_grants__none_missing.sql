-- purpose: No one is left out whose tier is granted points and who has not left
-- grain: one row per customer who lacks the grant; none where the claim holds
-- keys: customer_id
-- inputs: point_grants(customer_id), tier_snapshot(customer_id, tier),
--   customers_spans(customer_id, terminated_on, counts_from, counts_until),
--   policy_point_grant_amounts(tier, points, valid_from, valid_to), run_context(granted_on)
-- policy: point_grant_amounts
-- rules: G1, R1
WITH granting_tiers AS (
    SELECT policy_point_grant_amounts.tier
    FROM policy_point_grant_amounts
    CROSS JOIN run_context
    WHERE policy_point_grant_amounts.points > 0
        AND policy_point_grant_amounts.valid_from <= run_context.granted_on
        AND (
            policy_point_grant_amounts.valid_to IS NULL
            OR run_context.granted_on < policy_point_grant_amounts.valid_to
        )
)

SELECT
    CAST(tier_snapshot.customer_id AS VARCHAR) AS customer_id,
    CAST(tier_snapshot.tier AS VARCHAR) AS tier
FROM tier_snapshot
INNER JOIN granting_tiers ON tier_snapshot.tier = granting_tiers.tier
CROSS JOIN run_context
LEFT JOIN point_grants ON tier_snapshot.customer_id = point_grants.customer_id
LEFT JOIN customers_spans
    ON tier_snapshot.customer_id = customers_spans.customer_id
    AND (
        customers_spans.counts_from IS NULL
        OR customers_spans.counts_from <= run_context.granted_on
    )
    AND (
        customers_spans.counts_until IS NULL
        OR run_context.granted_on < customers_spans.counts_until
    )
WHERE point_grants.customer_id IS NULL
    AND (
        customers_spans.terminated_on IS NULL
        OR customers_spans.terminated_on > run_context.granted_on
    )
ORDER BY customer_id
