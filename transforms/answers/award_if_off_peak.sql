-- purpose: That the trip was asked for in the peak season, and rejected
-- grain: one row, none else
-- keys: none
-- inputs: award_request(season, reason)
-- policy: none
-- rules: W2, W3
SELECT CAST(award_request.season AS VARCHAR) AS season
FROM award_request
WHERE award_request.season = 'peak' AND award_request.reason = 'insufficient_miles'
