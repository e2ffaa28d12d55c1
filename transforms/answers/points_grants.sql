-- purpose: What the yearly grant comes from
-- grain: one row per grant
-- keys: lot_id
-- inputs: points_entries(points, lot_id, credited_on, period, kind), replayed_point_grants(tier,
--   lot_id, replayed_period)
-- policy: none
-- rules: G1, G2
SELECT
    CAST(points_entries.points AS BIGINT) AS outcome,
    CAST(points_entries.lot_id AS VARCHAR) AS lot_id,
    CAST(replayed_point_grants.tier AS VARCHAR) AS tier,
    CAST(points_entries.credited_on AS DATE) AS credited_on
FROM points_entries
INNER JOIN replayed_point_grants
    ON points_entries.lot_id = replayed_point_grants.lot_id
    AND points_entries.period = replayed_point_grants.replayed_period
WHERE points_entries.kind = 'membership'
ORDER BY lot_id
