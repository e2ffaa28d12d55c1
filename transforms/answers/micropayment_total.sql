-- purpose: The month's approved total before and after the payment, against the limit
-- grain: one row, none where no mobile subscription has the id
-- keys: none
-- inputs: limit_event(amount, is_accepted, limit_before, total_before, total_after, reason),
--   limit_record(is_mobile), asked(month)
-- policy: none
-- rules: M3
SELECT
    CAST(
        CASE
            WHEN limit_event.is_accepted THEN 'within'
            WHEN limit_event.reason = 'over_limit' THEN 'above'
            ELSE 'not_asked'
        END
        AS VARCHAR
    ) AS said,
    CAST(
        CASE
            WHEN limit_event.is_accepted THEN TRUE
            WHEN limit_event.reason = 'over_limit' THEN FALSE
        END
        AS BOOLEAN
    ) AS passed,
    CAST(limit_event.total_after AS BIGINT) AS outcome,
    CAST(asked.month AS VARCHAR) AS month,
    CAST(limit_event.total_before AS BIGINT) AS total_before,
    CAST(limit_event.amount AS BIGINT) AS amount,
    CAST(limit_event.total_before + limit_event.amount AS BIGINT) AS total_wanted,
    CAST(limit_event.limit_before AS BIGINT) AS limit_in_force,
    CAST(
        CASE
            WHEN limit_event.is_accepted
                THEN limit_event.limit_before - limit_event.total_after
        END
        AS BIGINT
    ) AS over,
    CAST(
        CASE
            WHEN limit_event.reason = 'over_limit'
                THEN limit_event.total_before + limit_event.amount - limit_event.limit_before
        END
        AS BIGINT
    ) AS short
FROM limit_event
CROSS JOIN limit_record
CROSS JOIN asked
WHERE limit_record.is_mobile
