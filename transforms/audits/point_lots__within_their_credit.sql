-- purpose: A lot holds more than 0 and no more than was credited
-- grain: one row per lot of which that is not so; none where the claim holds
-- keys: lot_id
-- inputs: point_lots(lot_id, customer_id, credited, remaining)
-- policy: none
-- rules: P3, P11
SELECT
    CAST(point_lots.lot_id AS VARCHAR) AS lot_id,
    CAST(point_lots.customer_id AS VARCHAR) AS customer_id,
    CAST(point_lots.credited AS BIGINT) AS credited,
    CAST(point_lots.remaining AS BIGINT) AS remaining
FROM point_lots
WHERE point_lots.remaining <= 0
    OR point_lots.remaining > point_lots.credited
ORDER BY lot_id
