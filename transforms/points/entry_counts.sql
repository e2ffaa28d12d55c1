-- purpose: A month's movements, for the summary
-- grain: one row per kind
-- keys: kind
-- inputs: point_entries(kind, points)
-- policy: none
-- rules: P11
SELECT
    CAST(point_entries.kind AS VARCHAR) AS kind,
    CAST(COUNT(*) AS BIGINT) AS entries,
    CAST(SUM(point_entries.points) AS BIGINT) AS points
FROM point_entries
GROUP BY point_entries.kind
ORDER BY kind
