-- purpose: The miles more with which they would have been enough
-- grain: one row, none where they were enough, or that is not asked
-- keys: none
-- inputs: miles_enough(short)
-- policy: none
-- rules: W5, X1
SELECT CAST(miles_enough.short AS BIGINT) AS miles
FROM miles_enough
WHERE miles_enough.short IS NOT NULL
