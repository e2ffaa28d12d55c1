-- question: Which published values did which runs change?
-- for: auditor
-- tables: restatements
SELECT run_id, table_name, count(DISTINCT row_key) AS rows, count(*) AS changed_values
FROM restatements
GROUP BY run_id, table_name
ORDER BY run_id, table_name
