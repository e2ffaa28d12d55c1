-- purpose: The customers of whom a sum of points is more than 64 bits hold, so that a failed close can
--   name them: what they opened with, were credited, spent, got back, lost or have left
-- grain: one row per such customer, with the largest of these sums
-- keys: customer_id
-- inputs: opening_lots(customer_id, remaining), movements_in_order(customer_id, action, points),
--   lots_in_order(customer_id, remaining)
-- policy: none
-- rules: P11
WITH sums AS (
    SELECT
        opening_lots.customer_id,
        SUM(CAST(opening_lots.remaining AS DECIMAL(38, 0))) AS points
    FROM opening_lots
    GROUP BY opening_lots.customer_id
    UNION ALL
    SELECT
        movements_in_order.customer_id,
        ABS(SUM(CAST(movements_in_order.points AS DECIMAL(38, 0)))) AS points
    FROM movements_in_order
    GROUP BY
        movements_in_order.customer_id,
        movements_in_order.action IS NULL,
        movements_in_order.points < 0
    UNION ALL
    SELECT
        lots_in_order.customer_id,
        SUM(CAST(lots_in_order.remaining AS DECIMAL(38, 0))) AS points
    FROM lots_in_order
    GROUP BY lots_in_order.customer_id
)

SELECT
    CAST(sums.customer_id AS VARCHAR) AS customer_id,
    CAST(MAX(sums.points) AS DECIMAL(38, 0)) AS points
FROM sums
WHERE TRY_CAST(sums.points AS BIGINT) IS NULL
GROUP BY sums.customer_id
ORDER BY customer_id
