-- purpose: What a request above the limit in force is reviewed by: class, grade, standard limit
-- grain: one row, none where nothing is reviewed
-- keys: none
-- inputs: limit_event(on_day, amount, reason), limit_request_within(said),
--   limit_record(plan_class, credit_grade),
--   replayed_standard_limits(plan_class, credit_grade, monthly_limit, valid_from, valid_to)
-- policy: none
-- rules: M1, M2
SELECT
    CAST(limit_event.on_day AS DATE) AS on_day,
    CAST(limit_event.amount AS BIGINT) AS requested_limit,
    CAST(limit_event.reason AS VARCHAR) AS reason,
    CAST(limit_record.plan_class AS VARCHAR) AS plan_class,
    CAST(limit_record.credit_grade AS BIGINT) AS credit_grade,
    CAST(replayed_standard_limits.monthly_limit AS BIGINT) AS standard_limit
FROM limit_event
CROSS JOIN limit_request_within
CROSS JOIN limit_record
INNER JOIN replayed_standard_limits
    ON limit_record.plan_class = replayed_standard_limits.plan_class
    AND limit_record.credit_grade = replayed_standard_limits.credit_grade
    AND replayed_standard_limits.valid_from <= limit_event.on_day
    AND (
        replayed_standard_limits.valid_to IS NULL
        OR limit_event.on_day < replayed_standard_limits.valid_to
    )
WHERE limit_request_within.said = 'above'
