-- purpose: The months that the answer is of, and the day through which it tells
-- grain: one row
-- keys: none
-- inputs: replayed_run_context(month, last_day), asked(on_day, lot_id)
-- policy: none
-- rules: P12
-- kept: table
WITH months AS (
    SELECT
        MIN(replayed_run_context.month) AS first_month,
        MAX(replayed_run_context.month) AS last_month,
        MAX(replayed_run_context.last_day) AS last_day
    FROM replayed_run_context
)

SELECT
    CAST(months.first_month AS VARCHAR) AS first_month,
    CAST(months.last_month AS VARCHAR) AS last_month,
    CAST(COALESCE(asked.on_day, months.last_day) AS DATE) AS last_day,
    CAST(asked.on_day IS NOT NULL AS BOOLEAN) AS on_a_day,
    CAST(asked.lot_id AS VARCHAR) AS lot_id
FROM months
CROSS JOIN asked
