-- purpose: Why rows were rejected, by export
-- grain: one row per export and reason
-- keys: export, reason
-- inputs: rejected_rows(export, reason, rows)
-- policy: none
-- rules: Q3
SELECT
    CAST(rejected_rows.export AS VARCHAR) AS export,
    CAST(rejected_rows.reason AS VARCHAR) AS reason,
    CAST(SUM(rejected_rows.rows) AS BIGINT) AS rows
FROM rejected_rows
GROUP BY rejected_rows.export, rejected_rows.reason
ORDER BY rows DESC, export, reason
