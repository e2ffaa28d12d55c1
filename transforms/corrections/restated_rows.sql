-- purpose: How many rows and values of which periods a command changes, for the run's summary
-- grain: one row per table and period with a changed row
-- keys: table_name, period
-- inputs: changed_cells(table_name, period, row_key, change)
-- policy: none
-- rules: Q4
WITH changed_rows AS (
    SELECT
        changed_cells.table_name,
        changed_cells.period,
        changed_cells.row_key,
        changed_cells.change,
        COUNT(*) AS changed_values
    FROM changed_cells
    GROUP BY
        changed_cells.table_name,
        changed_cells.period,
        changed_cells.row_key,
        changed_cells.change
)

SELECT
    CAST(changed_rows.table_name AS VARCHAR) AS table_name,
    CAST(changed_rows.period AS VARCHAR) AS period,
    CAST(SUM(CASE WHEN changed_rows.change = 'added' THEN 1 ELSE 0 END) AS BIGINT) AS rows_added,
    CAST(SUM(CASE WHEN changed_rows.change = 'removed' THEN 1 ELSE 0 END) AS BIGINT)
        AS rows_removed,
    CAST(SUM(CASE WHEN changed_rows.change = 'changed' THEN 1 ELSE 0 END) AS BIGINT)
        AS rows_changed,
    CAST(SUM(changed_rows.changed_values) AS BIGINT) AS changed_values
FROM changed_rows
GROUP BY changed_rows.table_name, changed_rows.period
ORDER BY table_name, period
