-- purpose: Whether the subscription was in service on the day of the payment
-- grain: one row, none where no mobile subscription has the id
-- keys: none
-- inputs: limit_event(on_day, reason), limit_record(is_mobile, opened_on, closed_on)
-- policy: none
-- rules: M3, R1
SELECT
    CAST(
        CASE
            WHEN limit_event.on_day < limit_record.opened_on THEN 'before'
            WHEN limit_record.closed_on IS NULL THEN 'open'
            WHEN limit_event.reason = 'not_in_service' THEN 'closed'
            ELSE 'until'
        END
        AS VARCHAR
    ) AS said,
    CAST(limit_event.reason IS DISTINCT FROM 'not_in_service' AS BOOLEAN) AS passed,
    CAST(limit_event.on_day AS DATE) AS on_day,
    CAST(limit_record.opened_on AS DATE) AS opened_on,
    CAST(limit_record.closed_on AS DATE) AS closed_on
FROM limit_event
CROSS JOIN limit_record
WHERE limit_record.is_mobile
