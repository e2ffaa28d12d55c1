-- purpose: The limits that requests have set, those of the month before and what became of them
-- grain: one row per subscription with an approved request up to the end of the month
-- keys: subscription_id
-- inputs: limit_results(request_id, subscription_id, requested_at, requested_limit, status),
--   opening_limits(subscription_id, monthly_limit, request_id, requested_at)
-- policy: none
-- rules: M2, P12
WITH approved AS (
    SELECT
        limit_results.subscription_id,
        limit_results.requested_limit AS monthly_limit,
        limit_results.request_id,
        limit_results.requested_at,
        ROW_NUMBER() OVER (
            PARTITION BY limit_results.subscription_id
            ORDER BY limit_results.requested_at DESC, limit_results.request_id DESC
        ) AS place_from_last
    FROM limit_results
    WHERE limit_results.status = 'approved'
),

limits AS (
    SELECT
        approved.subscription_id,
        approved.monthly_limit,
        approved.request_id,
        approved.requested_at
    FROM approved
    WHERE approved.place_from_last = 1
    UNION ALL
    SELECT
        opening_limits.subscription_id,
        opening_limits.monthly_limit,
        opening_limits.request_id,
        opening_limits.requested_at
    FROM opening_limits
    WHERE NOT EXISTS (
            SELECT 1
            FROM approved
            WHERE approved.subscription_id = opening_limits.subscription_id
        )
)

SELECT
    CAST(limits.subscription_id AS VARCHAR) AS subscription_id,
    CAST(limits.monthly_limit AS BIGINT) AS monthly_limit,
    CAST(limits.request_id AS VARCHAR) AS request_id,
    CAST(limits.requested_at AS TIMESTAMP) AS requested_at
FROM limits
ORDER BY subscription_id
