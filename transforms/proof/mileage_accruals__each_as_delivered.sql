-- purpose: Each flight of the month is answered under its own id and owner, and no other is
-- grain: one row per flight of which that is not so; none where the claim holds
-- keys: activity_id
-- inputs: mileage_accruals(activity_id, member_id), flights(activity_id, member_id)
-- policy: none
-- rules: F3
SELECT
    CAST(COALESCE(flights.activity_id, mileage_accruals.activity_id) AS VARCHAR) AS activity_id,
    CAST(flights.activity_id IS NOT NULL AS BOOLEAN) AS delivered,
    CAST(mileage_accruals.activity_id IS NOT NULL AS BOOLEAN) AS answered
FROM flights
FULL JOIN mileage_accruals
    ON flights.activity_id = mileage_accruals.activity_id
    AND flights.member_id = mileage_accruals.member_id
WHERE flights.activity_id IS NULL OR mileage_accruals.activity_id IS NULL
ORDER BY activity_id
