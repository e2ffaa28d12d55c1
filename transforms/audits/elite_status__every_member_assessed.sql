-- purpose: Every member enrolled by the end of the flights' year has a row, and no other
-- grain: one row with both numbers where they differ; none where the claim holds
-- keys: none
-- inputs: elite_status(member_id), members(member_id, enrolled_on), run_context(day_after)
-- policy: none
-- rules: E4
WITH assessed AS (
    SELECT COUNT(elite_status.member_id) AS members
    FROM elite_status
),

enrolled AS (
    SELECT COUNT(members.member_id) AS members
    FROM members
    CROSS JOIN run_context
    WHERE members.enrolled_on < run_context.day_after
)

SELECT
    CAST(assessed.members AS BIGINT) AS assessed_members,
    CAST(enrolled.members AS BIGINT) AS enrolled_members
FROM assessed
CROSS JOIN enrolled
WHERE assessed.members <> enrolled.members
