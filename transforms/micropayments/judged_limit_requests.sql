-- purpose: The month's limit requests, with the first reason against each; at or below the limit in
--   force, which the fold knows, only unknown_subscription holds
-- grain: one row per delivered limit request of the month
-- keys: request_id
-- inputs: limit_requests(request_id, subscription_id, requested_at, requested_limit),
--   limit_accounts(account, subscription_id, customer_id, plan_class, credit_grade, arrears_days),
--   standard_limits(plan_class, credit_grade, monthly_limit, valid_from, valid_to),
--   policy_micropayment_plan_classes(plan_class, may_ask, valid_from, valid_to),
--   policy_micropayment_raise_grades(refused_from_grade, valid_from, valid_to),
--   policy_micropayment_ceiling(greatest_limit, valid_from, valid_to)
-- policy: micropayment_plan_classes, micropayment_raise_grades, micropayment_ceiling
-- rules: M2, M4
WITH requests AS (
    SELECT
        limit_accounts.account,
        limit_requests.subscription_id,
        limit_accounts.customer_id,
        limit_accounts.plan_class,
        limit_accounts.credit_grade,
        limit_requests.request_id,
        limit_requests.requested_at,
        CAST(limit_requests.requested_at AS DATE) AS requested_on,
        limit_requests.requested_limit,
        (
            (limit_accounts.arrears_days >> CAST(DAY(limit_requests.requested_at) AS INTEGER)) & 1
        ) = 1 AS in_arrears
    FROM limit_requests
    INNER JOIN limit_accounts ON limit_requests.subscription_id = limit_accounts.subscription_id
)

SELECT
    CAST(requests.account AS BIGINT) AS account,
    CAST(requests.subscription_id AS VARCHAR) AS subscription_id,
    CAST(requests.customer_id AS VARCHAR) AS customer_id,
    CAST(requests.request_id AS VARCHAR) AS request_id,
    CAST(requests.requested_at AS TIMESTAMP) AS requested_at,
    CAST(requests.requested_limit AS BIGINT) AS requested_limit,
    CAST(
        CASE
            WHEN requests.customer_id IS NULL THEN 'unknown_subscription'
            WHEN policy_micropayment_plan_classes.may_ask = 'nothing'
                OR (
                    policy_micropayment_plan_classes.may_ask = 'standard'
                    AND requests.requested_limit > standard_limits.monthly_limit
                )
                THEN 'not_eligible'
            WHEN requests.in_arrears THEN 'arrears'
            WHEN requests.requested_limit > standard_limits.monthly_limit
                AND requests.credit_grade >= policy_micropayment_raise_grades.refused_from_grade
                THEN 'credit_grade'
            WHEN requests.requested_limit > policy_micropayment_ceiling.greatest_limit
                THEN 'above_maximum'
        END
        AS VARCHAR
    ) AS refusal
FROM requests
INNER JOIN policy_micropayment_raise_grades
    ON policy_micropayment_raise_grades.valid_from <= requests.requested_on
    AND (
        policy_micropayment_raise_grades.valid_to IS NULL
        OR requests.requested_on < policy_micropayment_raise_grades.valid_to
    )
INNER JOIN policy_micropayment_ceiling
    ON policy_micropayment_ceiling.valid_from <= requests.requested_on
    AND (
        policy_micropayment_ceiling.valid_to IS NULL
        OR requests.requested_on < policy_micropayment_ceiling.valid_to
    )
LEFT JOIN policy_micropayment_plan_classes
    ON requests.plan_class = policy_micropayment_plan_classes.plan_class
    AND policy_micropayment_plan_classes.valid_from <= requests.requested_on
    AND (
        policy_micropayment_plan_classes.valid_to IS NULL
        OR requests.requested_on < policy_micropayment_plan_classes.valid_to
    )
LEFT JOIN standard_limits
    ON requests.plan_class = standard_limits.plan_class
    AND requests.credit_grade = standard_limits.credit_grade
    AND standard_limits.valid_from <= requests.requested_on
    AND (
        standard_limits.valid_to IS NULL
        OR requests.requested_on < standard_limits.valid_to
    )
