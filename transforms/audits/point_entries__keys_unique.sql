-- purpose: No movement has two rows in point_entries
-- grain: one row per movement with more than one row; none where the claim holds
-- keys: lot_id, source_id, kind
-- inputs: point_entries(lot_id, source_id, kind)
-- policy: none
-- rules: P11, Q1
SELECT
    CAST(point_entries.lot_id AS VARCHAR) AS lot_id,
    CAST(point_entries.source_id AS VARCHAR) AS source_id,
    CAST(point_entries.kind AS VARCHAR) AS kind,
    CAST(COUNT(*) AS BIGINT) AS copies
FROM point_entries
GROUP BY point_entries.lot_id, point_entries.source_id, point_entries.kind
HAVING COUNT(*) > 1
ORDER BY lot_id, source_id, kind
