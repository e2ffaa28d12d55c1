-- purpose: What members' rows tell, added up by the moment from which it could matter
-- grain: one row per kind and moment
-- keys: kind, since
-- inputs: members(member_id, enrolled_on)
-- policy: none
-- rules: R1
SELECT
    CAST('span' AS VARCHAR) AS kind,
    CAST(members.enrolled_on AS TIMESTAMP) AS since,
    CAST(COUNT(*) AS BIGINT) AS facts,
    CAST(SUM(MD5_NUMBER_LOWER(members.member_id)) AS DECIMAL(38, 0)) AS digest
FROM members
GROUP BY members.enrolled_on
ORDER BY kind, since
