-- purpose: Whether the plan class may ask for that limit
-- grain: one row, none where nothing is reviewed
-- keys: none
-- inputs: limit_request_standard(on_day, requested_limit, reason, plan_class, credit_grade,
--   standard_limit), policy_micropayment_plan_classes(plan_class, may_ask, valid_from, valid_to)
-- policy: micropayment_plan_classes
-- rules: M1, M2
SELECT
    CAST(
        CASE
            WHEN policy_micropayment_plan_classes.may_ask <> 'standard'
                THEN policy_micropayment_plan_classes.may_ask
            WHEN limit_request_standard.reason = 'not_eligible' THEN 'above_standard'
            ELSE 'standard'
        END
        AS VARCHAR
    ) AS said,
    CAST(limit_request_standard.reason IS DISTINCT FROM 'not_eligible' AS BOOLEAN) AS passed,
    CAST(policy_micropayment_plan_classes.may_ask AS VARCHAR) AS may_ask,
    CAST(limit_request_standard.plan_class AS VARCHAR) AS plan_class,
    CAST(limit_request_standard.credit_grade AS BIGINT) AS credit_grade,
    CAST(limit_request_standard.standard_limit AS BIGINT) AS standard_limit,
    CAST(limit_request_standard.requested_limit AS BIGINT) AS requested_limit,
    CAST(limit_request_standard.on_day AS DATE) AS on_day
FROM limit_request_standard
INNER JOIN policy_micropayment_plan_classes
    ON limit_request_standard.plan_class = policy_micropayment_plan_classes.plan_class
    AND policy_micropayment_plan_classes.valid_from <= limit_request_standard.on_day
    AND (
        policy_micropayment_plan_classes.valid_to IS NULL
        OR limit_request_standard.on_day < policy_micropayment_plan_classes.valid_to
    )
