-- purpose: Whether the member had enough miles just before, and how many
-- grain: one row, none where that is not asked
-- keys: none
-- inputs: miles_event(occurred_at, miles, usable_before, reason)
-- policy: none
-- rules: W5, X1
SELECT
    CAST(CASE WHEN miles_event.reason IS NULL THEN 'enough' ELSE 'too_few' END AS VARCHAR) AS said,
    CAST(miles_event.reason IS NULL AS BOOLEAN) AS passed,
    CAST(miles_event.occurred_at AS TIMESTAMP) AS occurred_at,
    CAST(miles_event.usable_before AS BIGINT) AS usable_before,
    CAST(miles_event.miles AS BIGINT) AS miles,
    CAST(
        CASE WHEN miles_event.reason IS NULL THEN miles_event.usable_before - miles_event.miles END
        AS BIGINT
    ) AS over,
    CAST(
        CASE
            WHEN miles_event.reason IS NOT NULL
                THEN miles_event.miles - miles_event.usable_before
        END
        AS BIGINT
    ) AS short
FROM miles_event
WHERE miles_event.reason IS NULL OR miles_event.reason = 'insufficient_miles'
