-- purpose: That the flight was not flown, or on an award ticket
-- grain: one row, none where that is not the reason
-- keys: none
-- inputs: flight_asked(reason)
-- policy: none
-- rules: F3
SELECT CAST(flight_asked.reason AS VARCHAR) AS said
FROM flight_asked
WHERE flight_asked.reason IN ('not_flown', 'award_ticket')
