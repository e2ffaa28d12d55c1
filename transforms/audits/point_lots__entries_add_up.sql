-- purpose: Each lot that points were taken from or given back to exists, and holds what it held
--   before and what its entries moved
-- grain: one row per lot of which that is not so; none where the claim holds
-- keys: lot_id
-- inputs: opening_lots(lot_id, remaining), point_entries(lot_id, kind, points),
--   point_lots(lot_id, remaining)
-- policy: none
-- rules: P11, P12
WITH moved_lots AS (
    SELECT
        point_entries.lot_id,
        SUM(point_entries.points) AS moved,
        MAX(CASE WHEN point_entries.kind = 'cancellation' THEN 1 ELSE 0 END) AS given_back
    FROM point_entries
    WHERE point_entries.kind IN ('redemption', 'cancellation', 'refund', 'expiry')
    GROUP BY point_entries.lot_id
),

credits AS (
    SELECT point_entries.lot_id, point_entries.points
    FROM point_entries
    WHERE point_entries.kind IN ('membership', 'payment', 'promotion', 'purchase')
)

SELECT
    CAST(moved_lots.lot_id AS VARCHAR) AS lot_id,
    CAST(opening_lots.remaining AS BIGINT) AS opening,
    CAST(credits.points AS BIGINT) AS credited,
    CAST(moved_lots.moved AS BIGINT) AS moved,
    CAST(point_lots.remaining AS BIGINT) AS closing
FROM moved_lots
LEFT JOIN opening_lots ON moved_lots.lot_id = opening_lots.lot_id
LEFT JOIN credits ON moved_lots.lot_id = credits.lot_id
LEFT JOIN point_lots ON moved_lots.lot_id = point_lots.lot_id
WHERE COALESCE(opening_lots.remaining, 0) + COALESCE(credits.points, 0) + moved_lots.moved
    <> COALESCE(point_lots.remaining, 0)
    -- a lot that was used up in an earlier period can only be given back to
    OR (opening_lots.lot_id IS NULL AND credits.lot_id IS NULL AND moved_lots.given_back = 0)
ORDER BY lot_id
