-- purpose: rows and control amounts of contested keys, by file and outcome
-- grain: one row per file and outcome
-- keys: source_file, outcome
-- inputs: outcomes(source_file, outcome, first_total, second_total)
-- policy: none
-- rules: D4
SELECT
    source_file,
    outcome,
    COUNT(*) AS row_count,
    CAST(SUM(first_total) AS DECIMAL(38, 0)) AS first_total,
    CAST(SUM(second_total) AS DECIMAL(38, 0)) AS second_total
FROM outcomes
GROUP BY source_file, outcome
ORDER BY source_file, outcome
