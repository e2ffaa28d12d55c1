-- purpose: What the sweep took is what the period's entries say, by lot, points and cause
-- grain: one row per lot of which that is not so; none where the claim holds
-- keys: lot_id
-- inputs: expiry_sweep(lot_id, customer_id, points, cause),
--   point_entries(lot_id, customer_id, kind, points, cause)
-- policy: none
-- rules: P9, P11
WITH expiries AS (
    SELECT
        point_entries.lot_id,
        point_entries.customer_id,
        -point_entries.points AS points,
        point_entries.cause
    FROM point_entries
    WHERE point_entries.kind = 'expiry'
)

SELECT
    CAST(COALESCE(expiry_sweep.lot_id, expiries.lot_id) AS VARCHAR) AS lot_id,
    CAST(expiry_sweep.points AS BIGINT) AS points,
    CAST(expiries.points AS BIGINT) AS entered_points,
    CAST(expiry_sweep.cause AS VARCHAR) AS cause,
    CAST(expiries.cause AS VARCHAR) AS entered_cause
FROM expiry_sweep
FULL JOIN expiries
    ON expiry_sweep.lot_id = expiries.lot_id
    AND expiry_sweep.customer_id = expiries.customer_id
WHERE expiry_sweep.points IS DISTINCT FROM expiries.points
    OR expiry_sweep.cause IS DISTINCT FROM expiries.cause
ORDER BY lot_id
