-- purpose: What changes and extensions bring to a month of expiry they take from another one
-- grain: one row per kind of lot, month of credit and whether the owner had left, of which that is
--   not so; none where the claim holds
-- keys: lot_kind, credited_month, left
-- inputs: point_movements(lot_kind, credited_month, movement, left, points)
-- policy: none
-- rules: P7, P8
SELECT
    CAST(point_movements.lot_kind AS VARCHAR) AS lot_kind,
    CAST(point_movements.credited_month AS VARCHAR) AS credited_month,
    CAST(point_movements."left" AS BOOLEAN) AS "left",
    CAST(SUM(point_movements.points) AS BIGINT) AS points
FROM point_movements
WHERE point_movements.movement IN ('change', 'extension')
GROUP BY
    point_movements.lot_kind,
    point_movements.credited_month,
    point_movements."left"
HAVING SUM(point_movements.points) <> 0
ORDER BY lot_kind, credited_month, "left"
