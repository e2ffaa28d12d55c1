-- purpose: The limit that a subscription has before a request of it is approved
-- grain: one row per plan class and credit grade, and span of days in which the limit holds
-- keys: plan_class, credit_grade, valid_from
-- inputs: policy_micropayment_grade_limits(credit_grade, monthly_limit, valid_from, valid_to),
--   policy_micropayment_plan_classes(plan_class, share, valid_from, valid_to)
-- policy: micropayment_grade_limits, micropayment_plan_classes
-- rules: M1
SELECT
    CAST(policy_micropayment_plan_classes.plan_class AS VARCHAR) AS plan_class,
    CAST(policy_micropayment_grade_limits.credit_grade AS BIGINT) AS credit_grade,
    CAST(
        GREATEST(
            policy_micropayment_grade_limits.valid_from,
            policy_micropayment_plan_classes.valid_from
        )
        AS DATE
    ) AS valid_from,
    CAST(
        CASE
            WHEN policy_micropayment_grade_limits.valid_to IS NULL
                THEN policy_micropayment_plan_classes.valid_to
            WHEN policy_micropayment_plan_classes.valid_to IS NULL
                THEN policy_micropayment_grade_limits.valid_to
            ELSE LEAST(
                policy_micropayment_grade_limits.valid_to,
                policy_micropayment_plan_classes.valid_to
            )
        END
        AS DATE
    ) AS valid_to,
    CAST(
        policy_micropayment_grade_limits.monthly_limit * policy_micropayment_plan_classes.share
        // 100
        AS BIGINT
    ) AS monthly_limit
FROM policy_micropayment_grade_limits
INNER JOIN policy_micropayment_plan_classes
    ON (
        policy_micropayment_plan_classes.valid_to IS NULL
        OR policy_micropayment_grade_limits.valid_from < policy_micropayment_plan_classes.valid_to
    )
    AND (
        policy_micropayment_grade_limits.valid_to IS NULL
        OR policy_micropayment_plan_classes.valid_from < policy_micropayment_grade_limits.valid_to
    )
