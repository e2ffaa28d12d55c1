-- purpose: A number for each member with requests in the month, for the fold
-- grain: one row per member with an award request or mixed payment in the month
-- keys: member_id
-- inputs: mileage_requests(member_id)
-- policy: none
-- rules: X2
-- kept: table
WITH asking AS (
    SELECT DISTINCT mileage_requests.member_id
    FROM mileage_requests
)

SELECT
    CAST(asking.member_id AS VARCHAR) AS member_id,
    CAST(ROW_NUMBER() OVER (ORDER BY asking.member_id) - 1 AS BIGINT) AS account
FROM asking
