-- purpose: What the plan class has of the standard limit, where that is the limit in force
-- grain: one row, none where a request has set the limit
-- keys: none
-- inputs: limit_set_by(said, plan_class, credit_grade, grade_limit, share, standard_on)
-- policy: none
-- rules: M1
SELECT
    CAST(limit_set_by.plan_class AS VARCHAR) AS plan_class,
    CAST(limit_set_by.credit_grade AS BIGINT) AS credit_grade,
    CAST(limit_set_by.grade_limit AS BIGINT) AS grade_limit,
    CAST(limit_set_by.share AS BIGINT) AS share,
    CAST(limit_set_by.standard_on AS DATE) AS standard_on
FROM limit_set_by
WHERE limit_set_by.said = 'standard'
