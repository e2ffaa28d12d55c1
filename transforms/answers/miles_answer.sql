-- purpose: The member's miles from the opening to the closing of the month
-- grain: one row, none for a member whom no committed file has
-- keys: none
-- inputs: asked(member_id, period), published_mileage_balances(opening, credited, spent, expired,
--   closing), replayed_members(member_id, enrolled_on), published_mileage_accruals(member_id)
-- policy: none
-- rules: P11
WITH named AS (
    SELECT replayed_members.member_id
    FROM replayed_members
    UNION
    SELECT published_mileage_accruals.member_id
    FROM published_mileage_accruals
)

SELECT
    CAST(
        CASE
            WHEN replayed_members.member_id IS NULL THEN 'unknown_member'
            WHEN published_mileage_balances.opening IS NULL THEN 'nothing'
            ELSE 'balance'
        END
        AS VARCHAR
    ) AS said,
    CAST(asked.period AS VARCHAR) AS month,
    CAST(COALESCE(published_mileage_balances.opening, 0) AS BIGINT) AS opening,
    CAST(COALESCE(published_mileage_balances.credited, 0) AS BIGINT) AS credited,
    CAST(COALESCE(published_mileage_balances.spent, 0) AS BIGINT) AS spent,
    CAST(COALESCE(published_mileage_balances.expired, 0) AS BIGINT) AS expired,
    CAST(COALESCE(published_mileage_balances.closing, 0) AS BIGINT) AS closing,
    CAST(replayed_members.enrolled_on AS DATE) AS enrolled_on
FROM asked
INNER JOIN named ON asked.member_id = named.member_id
LEFT JOIN replayed_members ON asked.member_id = replayed_members.member_id
LEFT JOIN published_mileage_balances ON TRUE
