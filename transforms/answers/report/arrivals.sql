-- purpose: The accepted rows of each export by month, beside its usual month
-- grain: one row per export and month from its first to its last one
-- keys: export, month
-- inputs: staged_months(export, month, rows), run_context(last_month)
-- policy: none
-- rules: Q1
WITH usual AS (
    SELECT
        staged_months.export,
        CAST(FLOOR(MEDIAN(staged_months.rows)) AS BIGINT) AS rows
    FROM staged_months
    GROUP BY staged_months.export
)

SELECT
    CAST(staged_months.export AS VARCHAR) AS export,
    CAST(staged_months.month AS VARCHAR) AS month,
    CAST(staged_months.rows AS BIGINT) AS rows,
    CAST(
        CASE WHEN usual.rows > 0 THEN staged_months.rows * 100 // usual.rows ELSE 0 END AS BIGINT
    ) AS percent_of_usual
FROM staged_months
INNER JOIN usual ON staged_months.export = usual.export
CROSS JOIN run_context
WHERE staged_months.month <= run_context.last_month
ORDER BY export, month
