-- purpose: Every flight that earned miles became a lot of as many, and no other flight did
-- grain: one row per lot of which that is not so; none where the claim holds
-- keys: lot_id
-- inputs: mileage_entries(lot_id, member_id, kind, miles),
--   mileage_accruals(activity_id, member_id, miles)
-- policy: none
-- rules: F4
WITH due AS (
    SELECT
        'flight:' || mileage_accruals.activity_id AS lot_id,
        mileage_accruals.member_id,
        mileage_accruals.miles
    FROM mileage_accruals
    WHERE mileage_accruals.miles > 0
),

credited AS (
    SELECT mileage_entries.lot_id, mileage_entries.member_id, mileage_entries.miles
    FROM mileage_entries
    WHERE mileage_entries.kind = 'flight'
)

SELECT
    CAST(COALESCE(due.lot_id, credited.lot_id) AS VARCHAR) AS lot_id,
    CAST(due.miles AS BIGINT) AS earned,
    CAST(credited.miles AS BIGINT) AS credited
FROM due
FULL JOIN credited
    ON due.lot_id = credited.lot_id
    AND due.member_id = credited.member_id
WHERE due.miles IS DISTINCT FROM credited.miles
ORDER BY lot_id
