-- purpose: What changes limits in the month, in the shape of payments: requests, and the moments from
--   which another standard limit holds
-- grain: one row per request, and per change for a subscription without a limit of its own
-- keys: action, payment_id, subscription_id, requested_at
-- inputs: judged_limit_requests(request_id, subscription_id, requested_at, requested_limit, refusal),
--   standard_limits_of_month(subscription_id, monthly_limit, holds_from, is_first),
--   limit_accounts(subscription_id, is_mobile, limit_was_set)
-- policy: none
-- rules: M1, M2
-- kept: file
WITH changes AS (
    SELECT
        CAST(NULL AS VARCHAR) AS payment_id,
        standard_limits_of_month.subscription_id,
        standard_limits_of_month.holds_from AS requested_at,
        standard_limits_of_month.monthly_limit AS amount,
        'standard_limit' AS action,
        CAST(NULL AS VARCHAR) AS refusal
    FROM standard_limits_of_month
    INNER JOIN limit_accounts
        ON standard_limits_of_month.subscription_id = limit_accounts.subscription_id
    WHERE limit_accounts.is_mobile
        AND NOT limit_accounts.limit_was_set
        AND NOT standard_limits_of_month.is_first
    UNION ALL
    SELECT
        judged_limit_requests.request_id AS payment_id,
        judged_limit_requests.subscription_id,
        judged_limit_requests.requested_at,
        judged_limit_requests.requested_limit AS amount,
        'set_limit' AS action,
        judged_limit_requests.refusal
    FROM judged_limit_requests
)

SELECT
    CAST(changes.payment_id AS VARCHAR) AS payment_id,
    CAST(changes.subscription_id AS VARCHAR) AS subscription_id,
    CAST(changes.requested_at AS TIMESTAMP) AS requested_at,
    CAST(NULL AS VARCHAR) AS merchant,
    CAST(NULL AS VARCHAR) AS category,
    CAST(changes.amount AS BIGINT) AS amount,
    CAST(NULL AS BIGINT) AS platform_fee,
    CAST(NULL AS BOOLEAN) AS recurring,
    CAST(changes.action AS VARCHAR) AS action,
    CAST(changes.refusal AS VARCHAR) AS refusal
FROM changes
