-- purpose: What changes limits in the month, in the shape of payments: requests, and the days on
--   which the standard limits change
-- grain: one row per request, and per change for a subscription without a limit of its own
-- keys: action, payment_id, subscription_id, requested_at
-- inputs: judged_limit_requests(request_id, subscription_id, requested_at, requested_limit, refusal),
--   limit_accounts(subscription_id, plan_class, credit_grade, limit_was_set),
--   standard_limits(plan_class, credit_grade, monthly_limit, valid_from),
--   run_context(first_day, last_day)
-- policy: none
-- rules: M1, M2
-- kept: file
WITH new_standard_limits AS (
    SELECT
        standard_limits.plan_class,
        standard_limits.credit_grade,
        standard_limits.monthly_limit,
        standard_limits.valid_from
    FROM standard_limits
    CROSS JOIN run_context
    WHERE standard_limits.valid_from > run_context.first_day
        AND standard_limits.valid_from <= run_context.last_day
),

changes AS (
    SELECT
        CAST(NULL AS VARCHAR) AS payment_id,
        limit_accounts.subscription_id,
        CAST(new_standard_limits.valid_from AS TIMESTAMP) AS requested_at,
        new_standard_limits.monthly_limit AS amount,
        'standard_limit' AS action,
        CAST(NULL AS VARCHAR) AS refusal
    FROM limit_accounts
    INNER JOIN new_standard_limits
        ON limit_accounts.plan_class = new_standard_limits.plan_class
        AND limit_accounts.credit_grade = new_standard_limits.credit_grade
    WHERE NOT limit_accounts.limit_was_set
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
