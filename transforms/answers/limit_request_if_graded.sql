-- purpose: The credit grade with which the request would not have been refused for it
-- grain: one row, none where that is not the reason
-- keys: none
-- inputs: limit_request_grade(passed, credit_grade, refused_from_grade)
-- policy: none
-- rules: M2
SELECT
    CAST(limit_request_grade.credit_grade AS BIGINT) AS credit_grade,
    CAST(limit_request_grade.refused_from_grade - 1 AS BIGINT) AS better_grade
FROM limit_request_grade
WHERE NOT limit_request_grade.passed
