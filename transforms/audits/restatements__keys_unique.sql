-- purpose: No value of a row is restated twice by one run
-- grain: one row per value with more than one row; none where the claim holds
-- keys: table_name, row_key, column_name
-- inputs: restatements(table_name, row_key, column_name)
-- policy: none
-- rules: Q4, Q1
SELECT
    CAST(restatements.table_name AS VARCHAR) AS table_name,
    CAST(restatements.row_key AS VARCHAR) AS row_key,
    CAST(restatements.column_name AS VARCHAR) AS column_name,
    CAST(COUNT(*) AS BIGINT) AS copies
FROM restatements
GROUP BY restatements.table_name, restatements.row_key, restatements.column_name
HAVING COUNT(*) > 1
ORDER BY table_name, row_key, column_name
