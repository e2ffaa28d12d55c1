-- purpose: The limit that is carried on is that of the latest approved request, of the month or before
-- grain: one row per subscription of which that is not so
-- keys: subscription_id
-- inputs: micropayment_limits(subscription_id, monthly_limit, request_id, requested_at),
--   limit_results(request_id, subscription_id, requested_at, requested_limit, status),
--   opening_limits(subscription_id, monthly_limit, request_id, requested_at)
-- policy: none
-- rules: M2, P12
WITH approved AS (
    SELECT
        limit_results.subscription_id,
        limit_results.request_id,
        limit_results.requested_at,
        limit_results.requested_limit AS monthly_limit
    FROM limit_results
    WHERE limit_results.status = 'approved'
    UNION ALL
    SELECT
        opening_limits.subscription_id,
        opening_limits.request_id,
        opening_limits.requested_at,
        opening_limits.monthly_limit
    FROM opening_limits
),

latest_times AS (
    SELECT approved.subscription_id, MAX(approved.requested_at) AS requested_at
    FROM approved
    GROUP BY approved.subscription_id
),

latest AS (
    SELECT approved.subscription_id, approved.requested_at, MAX(approved.request_id) AS request_id
    FROM approved
    INNER JOIN latest_times
        ON approved.subscription_id = latest_times.subscription_id
        AND approved.requested_at = latest_times.requested_at
    GROUP BY approved.subscription_id, approved.requested_at
),

wanted AS (
    SELECT
        approved.subscription_id,
        approved.request_id,
        approved.requested_at,
        approved.monthly_limit
    FROM approved
    INNER JOIN latest
        ON approved.subscription_id = latest.subscription_id
        AND approved.requested_at = latest.requested_at
        AND approved.request_id = latest.request_id
)

SELECT
    CAST(COALESCE(micropayment_limits.subscription_id, wanted.subscription_id) AS VARCHAR)
        AS subscription_id,
    CAST(micropayment_limits.monthly_limit AS BIGINT) AS monthly_limit,
    CAST(wanted.monthly_limit AS BIGINT) AS approved_limit,
    CAST(wanted.request_id AS VARCHAR) AS request_id
FROM micropayment_limits
FULL JOIN wanted ON micropayment_limits.subscription_id = wanted.subscription_id
WHERE micropayment_limits.monthly_limit IS DISTINCT FROM wanted.monthly_limit
    OR micropayment_limits.request_id IS DISTINCT FROM wanted.request_id
    OR micropayment_limits.requested_at IS DISTINCT FROM wanted.requested_at
ORDER BY subscription_id
