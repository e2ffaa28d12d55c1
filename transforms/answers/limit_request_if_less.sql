-- purpose: The most that would have been granted instead, where more was asked for
-- grain: one row, none where the request was granted or nothing is reviewed
-- keys: none
-- inputs: limit_event(limit_before), limit_request_standard(requested_limit, reason),
--   limit_request_eligible(said, standard_limit), limit_request_maximum(greatest_limit)
-- policy: none
-- rules: M2
WITH grants AS (
    SELECT
        limit_request_standard.requested_limit,
        -- above the limit in force it is reviewed, up to it granted
        GREATEST(
            limit_event.limit_before,
            CASE limit_request_standard.reason
                WHEN 'above_maximum' THEN limit_request_maximum.greatest_limit
                WHEN 'credit_grade' THEN limit_request_eligible.standard_limit
                WHEN 'not_eligible'
                    THEN CASE limit_request_eligible.said
                        WHEN 'above_standard' THEN limit_request_eligible.standard_limit
                        ELSE 0
                    END
                ELSE 0
            END
        ) AS granted
    FROM limit_event
    CROSS JOIN limit_request_standard
    CROSS JOIN limit_request_eligible
    LEFT JOIN limit_request_maximum ON TRUE
    WHERE limit_request_standard.reason IS NOT NULL
)

SELECT
    CAST(grants.granted AS BIGINT) AS requested_limit,
    CAST(grants.requested_limit - grants.granted AS BIGINT) AS difference
FROM grants
