-- purpose: Whether the member is known
-- grain: one row
-- keys: none
-- inputs: miles_event(member_id, is_member)
-- policy: none
-- rules: W5, X1
SELECT
    CAST(CASE WHEN miles_event.is_member THEN 'known' ELSE 'unknown' END AS VARCHAR) AS said,
    CAST(miles_event.is_member AS BOOLEAN) AS passed,
    CAST(miles_event.member_id AS VARCHAR) AS member_id
FROM miles_event
