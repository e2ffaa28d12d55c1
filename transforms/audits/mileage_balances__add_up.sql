-- purpose: opening + credited - spent - expired = closing, for each member, and nothing is below 0
-- grain: one row per member of whom that is not so
-- keys: member_id
-- inputs: mileage_balances(member_id, opening, credited, spent, expired, closing)
-- policy: none
-- rules: P11
SELECT
    CAST(mileage_balances.member_id AS VARCHAR) AS member_id,
    CAST(mileage_balances.opening AS BIGINT) AS opening,
    CAST(mileage_balances.credited AS BIGINT) AS credited,
    CAST(mileage_balances.spent AS BIGINT) AS spent,
    CAST(mileage_balances.expired AS BIGINT) AS expired,
    CAST(mileage_balances.closing AS BIGINT) AS closing
FROM mileage_balances
WHERE mileage_balances.opening + mileage_balances.credited
    - mileage_balances.spent - mileage_balances.expired
    IS DISTINCT FROM mileage_balances.closing
    OR LEAST(
        mileage_balances.opening,
        mileage_balances.credited,
        mileage_balances.spent,
        mileage_balances.expired,
        mileage_balances.closing
    ) < 0
ORDER BY member_id
