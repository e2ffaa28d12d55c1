-- purpose: Whether the credit grade is good enough for more than the standard limit
-- grain: one row, none where that is not asked
-- keys: none
-- inputs: limit_request_standard(on_day, requested_limit, reason, credit_grade, standard_limit),
--   policy_micropayment_raise_grades(refused_from_grade, valid_from, valid_to)
-- policy: micropayment_raise_grades
-- rules: M2
SELECT
    CAST(
        CASE
            WHEN limit_request_standard.reason = 'credit_grade' THEN 'too_low'
            WHEN limit_request_standard.requested_limit <= limit_request_standard.standard_limit
                THEN 'standard'
            ELSE 'enough'
        END
        AS VARCHAR
    ) AS said,
    CAST(limit_request_standard.reason IS DISTINCT FROM 'credit_grade' AS BOOLEAN) AS passed,
    CAST(limit_request_standard.credit_grade AS BIGINT) AS credit_grade,
    CAST(policy_micropayment_raise_grades.refused_from_grade AS BIGINT) AS refused_from_grade,
    CAST(limit_request_standard.standard_limit AS BIGINT) AS standard_limit,
    CAST(limit_request_standard.requested_limit AS BIGINT) AS requested_limit,
    CAST(limit_request_standard.on_day AS DATE) AS on_day
FROM limit_request_standard
INNER JOIN policy_micropayment_raise_grades
    ON policy_micropayment_raise_grades.valid_from <= limit_request_standard.on_day
    AND (
        policy_micropayment_raise_grades.valid_to IS NULL
        OR limit_request_standard.on_day < policy_micropayment_raise_grades.valid_to
    )
WHERE limit_request_standard.reason IS NULL
    OR limit_request_standard.reason IN ('credit_grade', 'above_maximum')
