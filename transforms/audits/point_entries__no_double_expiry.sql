-- purpose: A lot expires once in a period, and nothing of it is left then
-- grain: one row per lot of which that is not so; none where the claim holds
-- keys: lot_id
-- inputs: point_entries(lot_id, kind), point_lots(lot_id, remaining)
-- policy: none
-- rules: P9, P11
WITH expiries AS (
    SELECT
        point_entries.lot_id,
        COUNT(*) AS times
    FROM point_entries
    WHERE point_entries.kind = 'expiry'
    GROUP BY point_entries.lot_id
)

SELECT
    CAST(expiries.lot_id AS VARCHAR) AS lot_id,
    CAST(expiries.times AS BIGINT) AS times,
    CAST(point_lots.remaining AS BIGINT) AS remaining
FROM expiries
LEFT JOIN point_lots ON expiries.lot_id = point_lots.lot_id
WHERE expiries.times > 1 OR point_lots.lot_id IS NOT NULL
ORDER BY lot_id
