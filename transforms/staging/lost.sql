-- purpose: the arrived rows that are not staged: duplicate, stale and conflicting ones
-- grain: one row per arrived row that is not staged
-- keys: source_file, source_row
-- inputs: outcomes(source_file, source_row, outcome)
-- policy: none
-- rules: D1
SELECT source_file, source_row
FROM outcomes
WHERE outcome <> 'accepted'
ORDER BY source_file, source_row
