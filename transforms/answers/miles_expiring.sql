-- purpose: What of the member's miles expires next
-- grain: one row
-- keys: none
-- inputs: miles_lots(expires_on, remaining), replayed_run_context(day_after),
--   policy_mileage_validity(years, valid_from, valid_to)
-- policy: mileage_validity
-- rules: F4
WITH next_day AS (
    SELECT MIN(miles_lots.expires_on) AS expires_on
    FROM miles_lots
),

expiring AS (
    SELECT
        next_day.expires_on,
        COUNT(miles_lots.remaining) AS lots,
        COALESCE(SUM(miles_lots.remaining), 0) AS miles
    FROM next_day
    LEFT JOIN miles_lots ON next_day.expires_on = miles_lots.expires_on
    GROUP BY next_day.expires_on
),

last_days AS (
    SELECT CAST(replayed_run_context.day_after - INTERVAL 1 DAY AS DATE) AS last_day
    FROM replayed_run_context
)

SELECT
    CAST(CASE WHEN expiring.expires_on IS NULL THEN 'nothing' ELSE 'next' END AS VARCHAR) AS said,
    CAST(expiring.miles AS BIGINT) AS outcome,
    CAST(expiring.lots AS BIGINT) AS lots,
    CAST(expiring.expires_on AS DATE) AS expires_on,
    CAST(policy_mileage_validity.years AS BIGINT) AS years,
    CAST(last_days.last_day AS DATE) AS last_day
FROM expiring
CROSS JOIN last_days
INNER JOIN policy_mileage_validity
    ON policy_mileage_validity.valid_from <= last_days.last_day
    AND (
        policy_mileage_validity.valid_to IS NULL
        OR last_days.last_day < policy_mileage_validity.valid_to
    )
