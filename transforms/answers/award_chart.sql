-- purpose: The chart in force on the day of the request
-- grain: one row, none where the route has no price for want of member or airport
-- keys: none
-- inputs: award_request(requested_on, chart, reason)
-- policy: none
-- rules: W1
SELECT
    CAST(award_request.chart AS VARCHAR) AS outcome,
    CAST(award_request.requested_on AS DATE) AS requested_on
FROM award_request
WHERE award_request.reason IS NULL
    OR award_request.reason NOT IN ('unknown_member', 'unknown_airport')
