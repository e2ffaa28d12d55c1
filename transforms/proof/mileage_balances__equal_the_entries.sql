-- purpose: What each member was credited, spent and lost is what the entries say
-- grain: one row per member of whom that is not so; none where the claim holds
-- keys: member_id
-- inputs: mileage_balances(member_id, credited, spent, expired),
--   mileage_entries(member_id, kind, miles)
-- policy: none
-- rules: P11
WITH moved AS (
    SELECT
        mileage_entries.member_id,
        SUM(CASE WHEN mileage_entries.kind = 'flight' THEN mileage_entries.miles ELSE 0 END)
            AS credited,
        SUM(
            CASE
                WHEN mileage_entries.kind IN ('award', 'mixed_payment') THEN -mileage_entries.miles
                ELSE 0
            END
        ) AS spent,
        SUM(CASE WHEN mileage_entries.kind = 'expiry' THEN -mileage_entries.miles ELSE 0 END)
            AS expired
    FROM mileage_entries
    GROUP BY mileage_entries.member_id
)

SELECT
    CAST(COALESCE(mileage_balances.member_id, moved.member_id) AS VARCHAR) AS member_id,
    CAST(mileage_balances.credited AS BIGINT) AS credited,
    CAST(moved.credited AS BIGINT) AS entered_credits,
    CAST(mileage_balances.spent AS BIGINT) AS spent,
    CAST(moved.spent AS BIGINT) AS entered_spending,
    CAST(mileage_balances.expired AS BIGINT) AS expired,
    CAST(moved.expired AS BIGINT) AS entered_expiry
FROM mileage_balances
FULL JOIN moved ON mileage_balances.member_id = moved.member_id
WHERE mileage_balances.member_id IS NULL
    OR mileage_balances.credited <> COALESCE(moved.credited, 0)
    OR mileage_balances.spent <> COALESCE(moved.spent, 0)
    OR mileage_balances.expired <> COALESCE(moved.expired, 0)
ORDER BY member_id
