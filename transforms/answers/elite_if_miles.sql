-- purpose: The miles more with which they alone give the next status
-- grain: one row, none where miles give no higher one
-- keys: none
-- inputs: elite_by_miles(short)
-- policy: none
-- rules: E3
SELECT CAST(MIN(elite_by_miles.short) AS BIGINT) AS miles
FROM elite_by_miles
HAVING MIN(elite_by_miles.short) IS NOT NULL
