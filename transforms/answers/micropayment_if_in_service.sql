-- purpose: Since when, or until when, the subscription would have had to be in service
-- grain: one row, none where that is not the reason
-- keys: none
-- inputs: micropayment_service(said, passed, on_day, opened_on, closed_on)
-- policy: none
-- rules: M3
SELECT
    CAST(micropayment_service.said AS VARCHAR) AS said,
    CAST(micropayment_service.on_day AS DATE) AS on_day,
    CAST(micropayment_service.opened_on AS DATE) AS opened_on,
    CAST(micropayment_service.closed_on AS DATE) AS closed_on,
    CAST(
        ABS(
            DATE_DIFF(
                'day',
                CASE micropayment_service.said
                    WHEN 'before' THEN micropayment_service.opened_on
                    ELSE micropayment_service.closed_on
                END,
                micropayment_service.on_day
            )
        )
        AS BIGINT
    ) AS days
FROM micropayment_service
WHERE NOT micropayment_service.passed
