-- purpose: Every lot is named after kind, year and customer, and runs from credit to expiry day
-- grain: one row per lot with another name or other days; none where the claim holds
-- keys: customer_id
-- inputs: point_grants(customer_id, lot_id, credited_on, expires_on),
--   policy_point_grant_terms(kind, valid_from, valid_to),
--   run_context(membership_year, granted_on, expires_on)
-- policy: point_grant_terms
-- rules: G2
WITH terms AS (
    SELECT
        run_context.granted_on,
        run_context.expires_on,
        policy_point_grant_terms.kind || ':'
        || CAST(run_context.membership_year AS VARCHAR) || ':' AS lot_prefix
    FROM policy_point_grant_terms
    CROSS JOIN run_context
    WHERE policy_point_grant_terms.valid_from <= run_context.granted_on
        AND (
            policy_point_grant_terms.valid_to IS NULL
            OR run_context.granted_on < policy_point_grant_terms.valid_to
        )
)

SELECT
    CAST(point_grants.customer_id AS VARCHAR) AS customer_id,
    CAST(point_grants.lot_id AS VARCHAR) AS lot_id,
    CAST(point_grants.credited_on AS DATE) AS credited_on,
    CAST(point_grants.expires_on AS DATE) AS expires_on
FROM point_grants
CROSS JOIN terms
WHERE point_grants.lot_id IS DISTINCT FROM terms.lot_prefix || point_grants.customer_id
    OR point_grants.credited_on IS DISTINCT FROM terms.granted_on
    OR point_grants.expires_on IS DISTINCT FROM terms.expires_on
ORDER BY customer_id
