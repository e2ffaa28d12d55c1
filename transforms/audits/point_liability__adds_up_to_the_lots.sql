-- purpose: By expiry date and kind, the points outstanding are what the lots hold, and said to be
--   usable where the lots still are
-- grain: one row per expiry date and kind where that is not so; none where the claim holds
-- keys: expires_on, kind
-- inputs: point_liability(expires_on, kind, usable, lots, points),
--   point_lots(expires_on, kind, remaining), run_context(last_day)
-- policy: none
-- rules: P11
WITH outstanding AS (
    SELECT
        point_lots.expires_on,
        point_lots.kind,
        COUNT(*) AS lots,
        SUM(point_lots.remaining) AS points
    FROM point_lots
    GROUP BY point_lots.expires_on, point_lots.kind
)

SELECT
    CAST(COALESCE(point_liability.expires_on, outstanding.expires_on) AS DATE) AS expires_on,
    CAST(COALESCE(point_liability.kind, outstanding.kind) AS VARCHAR) AS kind,
    CAST(point_liability.lots AS BIGINT) AS told_lots,
    CAST(outstanding.lots AS BIGINT) AS lots,
    CAST(point_liability.points AS BIGINT) AS told_points,
    CAST(outstanding.points AS BIGINT) AS points
FROM point_liability
FULL JOIN outstanding
    ON point_liability.expires_on = outstanding.expires_on
    AND point_liability.kind = outstanding.kind
CROSS JOIN run_context
WHERE point_liability.lots IS DISTINCT FROM outstanding.lots
    OR point_liability.points IS DISTINCT FROM outstanding.points
    OR point_liability.usable IS DISTINCT FROM outstanding.expires_on > run_context.last_day
ORDER BY expires_on, kind
