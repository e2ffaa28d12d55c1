-- purpose: The member, enrolled on the day of the flight
-- grain: one row per member
-- keys: member_id
-- inputs: replayed_members(member_id, updated_at, delivery), flight_if_enrolled(flight_date)
-- policy: none
-- rules: F3
SELECT
    CAST(replayed_members.member_id AS VARCHAR) AS member_id,
    CAST(flight_if_enrolled.flight_date AS DATE) AS enrolled_on,
    CAST(replayed_members.updated_at AS TIMESTAMP) AS updated_at,
    CAST(replayed_members.delivery AS BIGINT) AS delivery
FROM replayed_members
CROSS JOIN flight_if_enrolled
