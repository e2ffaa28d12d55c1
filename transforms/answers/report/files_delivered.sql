-- purpose: What became of the rows that were delivered of each export
-- grain: one row per export
-- keys: export
-- inputs: delivered_files(export, status, delivered, accepted, duplicate, stale, quarantined,
--   held_back)
-- policy: none
-- rules: Q1, Q2
SELECT
    CAST(delivered_files.export AS VARCHAR) AS export,
    CAST(COUNT(*) AS BIGINT) AS files,
    CAST(SUM(CASE WHEN delivered_files.status <> 'accepted' THEN 1 ELSE 0 END) AS BIGINT)
        AS files_refused,
    CAST(SUM(delivered_files.delivered) AS BIGINT) AS delivered,
    CAST(SUM(delivered_files.accepted) AS BIGINT) AS accepted,
    CAST(SUM(delivered_files.duplicate) AS BIGINT) AS duplicate,
    CAST(SUM(delivered_files.stale) AS BIGINT) AS late,
    CAST(SUM(delivered_files.quarantined) AS BIGINT) AS rejected,
    CAST(SUM(delivered_files.held_back) AS BIGINT) AS held_back
FROM delivered_files
GROUP BY delivered_files.export
ORDER BY export
