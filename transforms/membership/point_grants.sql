-- purpose: The yearly points of every customer whose tier is granted any
-- grain: one row per customer of the year's snapshot whose tier is granted points
-- keys: customer_id
-- inputs: tier_snapshot(customer_id, tier),
--   customers_spans(customer_id, terminated_on, counts_from, counts_until),
--   policy_point_grant_amounts(tier, points, valid_from, valid_to),
--   policy_point_grant_terms(kind, valid_from, valid_to),
--   run_context(membership_year, granted_on, expires_on)
-- policy: point_grant_amounts, point_grant_terms
-- rules: G1, G2, R1
WITH amounts AS (
    SELECT policy_point_grant_amounts.tier, policy_point_grant_amounts.points
    FROM policy_point_grant_amounts
    CROSS JOIN run_context
    WHERE policy_point_grant_amounts.valid_from <= run_context.granted_on
        AND (
            policy_point_grant_amounts.valid_to IS NULL
            OR run_context.granted_on < policy_point_grant_amounts.valid_to
        )
),

terms AS (
    SELECT
        policy_point_grant_terms.kind,
        run_context.membership_year,
        run_context.granted_on,
        run_context.expires_on
    FROM policy_point_grant_terms
    CROSS JOIN run_context
    WHERE policy_point_grant_terms.valid_from <= run_context.granted_on
        AND (
            policy_point_grant_terms.valid_to IS NULL
            OR run_context.granted_on < policy_point_grant_terms.valid_to
        )
),

departed_customers AS (
    SELECT customers_spans.customer_id
    FROM customers_spans
    CROSS JOIN run_context
    WHERE customers_spans.terminated_on <= run_context.granted_on
        AND (
            customers_spans.counts_from IS NULL
            OR customers_spans.counts_from <= run_context.granted_on
        )
        AND (
            customers_spans.counts_until IS NULL
            OR run_context.granted_on < customers_spans.counts_until
        )
),

granted_customers AS (
    SELECT tier_snapshot.customer_id, tier_snapshot.tier, amounts.points
    FROM tier_snapshot
    INNER JOIN amounts ON tier_snapshot.tier = amounts.tier
    WHERE amounts.points > 0
        AND NOT EXISTS (
            SELECT 1
            FROM departed_customers
            WHERE departed_customers.customer_id = tier_snapshot.customer_id
        )
)

SELECT
    CAST(granted_customers.customer_id AS VARCHAR) AS customer_id,
    CAST(granted_customers.tier AS VARCHAR) AS tier,
    CAST(granted_customers.points AS BIGINT) AS points,
    CAST(
        terms.kind || ':' || CAST(terms.membership_year AS VARCHAR)
        || ':' || granted_customers.customer_id
        AS VARCHAR
    ) AS lot_id,
    CAST(terms.granted_on AS DATE) AS credited_on,
    CAST(terms.expires_on AS DATE) AS expires_on
FROM granted_customers
CROSS JOIN terms
ORDER BY customer_id
