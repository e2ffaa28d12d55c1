-- purpose: What a command changes of what was published before it, value by value
-- grain: one row per changed value of a table's row
-- keys: table_name, row_key, column_name
-- inputs: changed_cells(table_name, row_key, column_name, value_before, value_after)
-- policy: none
-- rules: Q4
SELECT
    CAST(changed_cells.table_name AS VARCHAR) AS table_name,
    CAST(changed_cells.row_key AS VARCHAR) AS row_key,
    CAST(changed_cells.column_name AS VARCHAR) AS column_name,
    CAST(changed_cells.value_before AS VARCHAR) AS value_before,
    CAST(changed_cells.value_after AS VARCHAR) AS value_after
FROM changed_cells
ORDER BY table_name, row_key, column_name
