-- purpose: the rows that go to quarantine because another row has their key and other content
-- grain: one row per conflicting row
-- keys: source_file, source_row
-- inputs: outcomes(source_file, source_row, outcome)
-- policy: none
-- rules: D3
SELECT source_file, source_row
FROM outcomes
WHERE outcome = 'conflict'
ORDER BY source_file, source_row
