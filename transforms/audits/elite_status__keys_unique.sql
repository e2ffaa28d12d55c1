-- purpose: No member has two rows in elite_status
-- grain: one row per member with more than one row; none where the claim holds
-- keys: member_id
-- inputs: elite_status(member_id)
-- policy: none
-- rules: E4, Q1
SELECT
    CAST(elite_status.member_id AS VARCHAR) AS member_id,
    CAST(COUNT(*) AS BIGINT) AS copies
FROM elite_status
GROUP BY elite_status.member_id
HAVING COUNT(*) > 1
ORDER BY member_id
