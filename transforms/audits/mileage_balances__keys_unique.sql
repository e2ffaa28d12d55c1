-- purpose: No member has two rows in mileage_balances
-- grain: one row per member with more than one row; none where the claim holds
-- keys: member_id
-- inputs: mileage_balances(member_id)
-- policy: none
-- rules: P11, Q1
SELECT
    CAST(mileage_balances.member_id AS VARCHAR) AS member_id,
    CAST(COUNT(*) AS BIGINT) AS copies
FROM mileage_balances
GROUP BY mileage_balances.member_id
HAVING COUNT(*) > 1
ORDER BY member_id
