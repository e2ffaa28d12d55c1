-- purpose: The runs that failed, with the line that each ended with
-- grain: one row per run
-- keys: run_id
-- inputs: runs(run_id, command, period, status, started_at, error)
-- policy: none
-- rules: Q3
SELECT
    CAST(runs.run_id AS VARCHAR) AS run_id,
    CAST(runs.command AS VARCHAR) AS command,
    CAST(runs.period AS VARCHAR) AS period,
    CAST(runs.started_at AS TIMESTAMP) AS started_at,
    CAST(runs.error AS VARCHAR) AS error
FROM runs
WHERE runs.status = 'failed'
ORDER BY run_id DESC
