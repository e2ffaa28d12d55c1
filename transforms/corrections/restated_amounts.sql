-- purpose: How many customers or members gain and lose how much of a table's headline amount, for
-- the run's summary; who has no row has nothing
-- grain: one row per table and period in which the amount changes
-- keys: table_name, period
-- inputs: changed_cells(table_name, period, column_name, value_before, value_after),
-- headlines(table_name, column_name, is_amount)
-- policy: none
-- rules: Q4
WITH changed_amounts AS (
    SELECT
        changed_cells.table_name,
        changed_cells.period,
        changed_cells.column_name,
        COALESCE(CAST(changed_cells.value_after AS BIGINT), 0)
        - COALESCE(CAST(changed_cells.value_before AS BIGINT), 0) AS difference
    FROM changed_cells
    INNER JOIN headlines
        ON
            changed_cells.table_name = headlines.table_name
            AND changed_cells.column_name = headlines.column_name
    WHERE headlines.is_amount
)

SELECT
    CAST(changed_amounts.table_name AS VARCHAR) AS table_name,
    CAST(changed_amounts.period AS VARCHAR) AS period,
    CAST(changed_amounts.column_name AS VARCHAR) AS column_name,
    CAST(SUM(CASE WHEN changed_amounts.difference > 0 THEN 1 ELSE 0 END) AS BIGINT) AS gaining,
    CAST(SUM(GREATEST(changed_amounts.difference, 0)) AS BIGINT) AS gained,
    CAST(SUM(CASE WHEN changed_amounts.difference < 0 THEN 1 ELSE 0 END) AS BIGINT) AS losing,
    CAST(-SUM(LEAST(changed_amounts.difference, 0)) AS BIGINT) AS lost
FROM changed_amounts
GROUP BY changed_amounts.table_name, changed_amounts.period, changed_amounts.column_name
ORDER BY table_name, period
