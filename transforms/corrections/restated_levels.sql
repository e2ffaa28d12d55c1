-- purpose: How many customers or members move between which tiers or statuses, for the run's
-- summary
-- grain: one row per table and period, and level before and after; none before or after: no row
-- keys: table_name, period, value_before, value_after
-- inputs: changed_cells(table_name, period, column_name, value_before, value_after),
-- headlines(table_name, column_name, is_amount)
-- policy: none
-- rules: Q4
SELECT
    CAST(changed_cells.table_name AS VARCHAR) AS table_name,
    CAST(changed_cells.period AS VARCHAR) AS period,
    CAST(changed_cells.column_name AS VARCHAR) AS column_name,
    CAST(changed_cells.value_before AS VARCHAR) AS value_before,
    CAST(changed_cells.value_after AS VARCHAR) AS value_after,
    CAST(COUNT(*) AS BIGINT) AS moved
FROM changed_cells
INNER JOIN headlines
    ON
        changed_cells.table_name = headlines.table_name
        AND changed_cells.column_name = headlines.column_name
WHERE NOT headlines.is_amount
GROUP BY
    changed_cells.table_name,
    changed_cells.period,
    changed_cells.column_name,
    changed_cells.value_before,
    changed_cells.value_after
ORDER BY table_name, period, value_before, value_after
