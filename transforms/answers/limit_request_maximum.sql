-- purpose: Whether the limit that is asked for is no more than any may be
-- grain: one row, none where that is not asked
-- keys: none
-- inputs: limit_request_standard(on_day, requested_limit, reason),
--   policy_micropayment_ceiling(greatest_limit, valid_from, valid_to)
-- policy: micropayment_ceiling
-- rules: M2
SELECT
    CAST(
        CASE WHEN limit_request_standard.reason IS NULL THEN 'within' ELSE 'above' END AS VARCHAR
    ) AS said,
    CAST(limit_request_standard.reason IS NULL AS BOOLEAN) AS passed,
    CAST(limit_request_standard.requested_limit AS BIGINT) AS requested_limit,
    CAST(policy_micropayment_ceiling.greatest_limit AS BIGINT) AS greatest_limit,
    CAST(
        CASE
            WHEN limit_request_standard.reason IS NULL
                THEN policy_micropayment_ceiling.greatest_limit
                    - limit_request_standard.requested_limit
        END
        AS BIGINT
    ) AS over,
    CAST(
        CASE
            WHEN limit_request_standard.reason IS NOT NULL
                THEN limit_request_standard.requested_limit
                    - policy_micropayment_ceiling.greatest_limit
        END
        AS BIGINT
    ) AS short,
    CAST(limit_request_standard.on_day AS DATE) AS on_day
FROM limit_request_standard
INNER JOIN policy_micropayment_ceiling
    ON policy_micropayment_ceiling.valid_from <= limit_request_standard.on_day
    AND (
        policy_micropayment_ceiling.valid_to IS NULL
        OR limit_request_standard.on_day < policy_micropayment_ceiling.valid_to
    )
WHERE limit_request_standard.reason IS NULL
    OR limit_request_standard.reason = 'above_maximum'
