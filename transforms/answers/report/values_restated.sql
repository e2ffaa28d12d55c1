-- purpose: Who gained and who lost by what runs restated
-- grain: one row per run, table and amount or level that is told of it
-- keys: run_id, table_name, column_name, direction
-- inputs: restated_values(run_id, table_name, column_name, direction, rows, difference)
-- policy: none
-- rules: Q4
SELECT
    CAST(restated_values.run_id AS VARCHAR) AS run_id,
    CAST(restated_values.table_name AS VARCHAR) AS table_name,
    CAST(restated_values.column_name AS VARCHAR) AS column_name,
    CAST(restated_values.direction AS VARCHAR) AS direction,
    CAST(SUM(restated_values.rows) AS BIGINT) AS rows,
    CAST(SUM(restated_values.difference) AS BIGINT) AS difference
FROM restated_values
GROUP BY
    restated_values.run_id,
    restated_values.table_name,
    restated_values.column_name,
    restated_values.direction
ORDER BY run_id DESC, table_name, column_name, direction
