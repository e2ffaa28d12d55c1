-- purpose: The latest runs, and how long each took
-- grain: one row per run
-- keys: run_id
-- inputs: runs(run_id, command, status, period, started_at, seconds, files),
--   run_context(listed_from)
-- policy: none
-- rules: Q3
SELECT
    CAST(runs.run_id AS VARCHAR) AS run_id,
    CAST(runs.command AS VARCHAR) AS command,
    CAST(runs.period AS VARCHAR) AS period,
    CAST(runs.status AS VARCHAR) AS status,
    CAST(runs.started_at AS TIMESTAMP) AS started_at,
    CAST(runs.seconds AS DOUBLE) AS seconds,
    CAST(runs.files AS BIGINT) AS files
FROM runs
CROSS JOIN run_context
WHERE runs.run_id >= run_context.listed_from
ORDER BY run_id DESC
