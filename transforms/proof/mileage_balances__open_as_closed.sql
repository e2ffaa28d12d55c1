-- purpose: A period opens with what each member had at the close of the one before
-- grain: one row per member of whom that is not so; none where the claim holds
-- keys: member_id
-- inputs: mileage_balances(member_id, opening), opening_mileage_balances(member_id, closing)
-- policy: none
-- rules: P11
SELECT
    CAST(COALESCE(mileage_balances.member_id, opening_mileage_balances.member_id) AS VARCHAR)
        AS member_id,
    CAST(opening_mileage_balances.closing AS BIGINT) AS closed_with,
    CAST(mileage_balances.opening AS BIGINT) AS opening
FROM mileage_balances
FULL JOIN opening_mileage_balances
    ON mileage_balances.member_id = opening_mileage_balances.member_id
WHERE COALESCE(mileage_balances.opening, 0) <> COALESCE(opening_mileage_balances.closing, 0)
ORDER BY member_id
