-- purpose: Whether the limit that is asked for is no more than the one in force, which needs no review
-- grain: one row, none where no mobile subscription has the id
-- keys: none
-- inputs: limit_event(amount, limit_before), limit_record(is_mobile)
-- policy: none
-- rules: M2
SELECT
    CAST(
        CASE WHEN limit_event.amount <= limit_event.limit_before THEN 'within' ELSE 'above' END
        AS VARCHAR
    ) AS said,
    CAST(CASE WHEN limit_event.amount <= limit_event.limit_before THEN TRUE END AS BOOLEAN)
        AS passed,
    CAST(limit_event.amount AS BIGINT) AS requested_limit,
    CAST(limit_event.limit_before AS BIGINT) AS limit_in_force
FROM limit_event
CROSS JOIN limit_record
WHERE limit_record.is_mobile
