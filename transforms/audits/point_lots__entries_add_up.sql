-- purpose: Each lot that points were taken from or given back to holds what it held before, or was
--   credited, and what its entries moved; one that isn't there holds nothing
-- grain: one row per lot of which that is not so; none where the claim holds
-- keys: lot_id
-- inputs: opening_lots(lot_id, remaining), point_entries(lot_id, kind, points),
--   point_lots(lot_id, remaining)
-- policy: none
-- rules: P11, P12
-- apart: customer_id
WITH moved_lots AS (
    SELECT
        point_entries.lot_id,
        SUM(point_entries.points) AS moved
    FROM point_entries
    WHERE point_entries.kind IN ('redemption', 'cancellation', 'refund', 'expiry')
    GROUP BY point_entries.lot_id
),

-- one list, so that a lot is looked up once
lots AS (
    SELECT
        opening_lots.lot_id,
        opening_lots.remaining AS held,
        0 AS closing
    FROM opening_lots
    UNION ALL
    SELECT
        point_entries.lot_id,
        point_entries.points AS held,
        0 AS closing
    FROM point_entries
    WHERE point_entries.kind IN ('membership', 'payment', 'promotion', 'purchase')
    UNION ALL
    SELECT
        point_lots.lot_id,
        0 AS held,
        point_lots.remaining AS closing
    FROM point_lots
)

SELECT
    CAST(moved_lots.lot_id AS VARCHAR) AS lot_id,
    CAST(SUM(lots.held) AS BIGINT) AS held,
    CAST(MAX(moved_lots.moved) AS BIGINT) AS moved,
    CAST(SUM(lots.closing) AS BIGINT) AS closing
FROM moved_lots
LEFT JOIN lots ON moved_lots.lot_id = lots.lot_id
GROUP BY moved_lots.lot_id
HAVING COALESCE(SUM(lots.held), 0) + MAX(moved_lots.moved) <> COALESCE(SUM(lots.closing), 0)
ORDER BY lot_id
