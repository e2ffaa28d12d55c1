-- purpose: The month's limit requests, with the first reason against each; at or below the limit in
--   force, which the fold knows, only unknown_subscription holds
-- grain: one row per delivered limit request of the month
-- keys: request_id
-- inputs: limit_requests(request_id, subscription_id, requested_at, requested_limit),
--   subscription_records(subscription_id, is_mobile, plan_class, credit_grade, arrears_days,
--   holds_from, holds_until),
--   standard_limits(plan_class, credit_grade, monthly_limit, valid_from, valid_to),
--   policy_micropayment_plan_classes(plan_class, may_ask, valid_from, valid_to),
--   policy_micropayment_raise_grades(refused_from_grade, valid_from, valid_to),
--   policy_micropayment_ceiling(greatest_limit, valid_from, valid_to)
-- policy: micropayment_plan_classes, micropayment_raise_grades, micropayment_ceiling
-- rules: M2, M4, R2
WITH requests AS (
    SELECT
        limit_requests.subscription_id,
        COALESCE(subscription_records.is_mobile, FALSE) AS is_mobile,
        subscription_records.plan_class,
        subscription_records.credit_grade,
        limit_requests.request_id,
        limit_requests.requested_at,
        CAST(limit_requests.requested_at AS DATE) AS requested_on,
        limit_requests.requested_limit,
        (
            (subscription_records.arrears_days >> CAST(DAY(limit_requests.requested_at) AS INTEGER))
            & 1
        ) = 1 AS in_arrears
    FROM limit_requests
    LEFT JOIN subscription_records
        ON limit_requests.subscription_id = subscription_records.subscription_id
        AND (
            subscription_records.holds_from IS NULL
            OR subscription_records.holds_from <= limit_requests.requested_at
        )
        AND (
            subscription_records.holds_until IS NULL
            OR limit_requests.requested_at < subscription_records.holds_until
        )
)

SELECT
    CAST(requests.subscription_id AS VARCHAR) AS subscription_id,
    CAST(requests.request_id AS VARCHAR) AS request_id,
    CAST(requests.requested_at AS TIMESTAMP) AS requested_at,
    CAST(requests.requested_limit AS BIGINT) AS requested_limit,
    CAST(
        CASE
            WHEN NOT requests.is_mobile THEN 'unknown_subscription'
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
