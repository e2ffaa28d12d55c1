-- purpose: No one is told that more points lapse than they hold, be it of old age or of inactivity
-- grain: one row per customer of whom that is not so; none where the claim holds
-- keys: customer_id
-- inputs: expiry_notices(customer_id, cause, points), opening_lots(customer_id, remaining)
-- policy: none
-- rules: P10
WITH noticed AS (
    SELECT
        expiry_notices.customer_id,
        SUM(CASE WHEN expiry_notices.cause = 'inactivity' THEN 0 ELSE expiry_notices.points END)
            AS points,
        SUM(CASE WHEN expiry_notices.cause = 'inactivity' THEN expiry_notices.points ELSE 0 END)
            AS points_if_inactive
    FROM expiry_notices
    GROUP BY expiry_notices.customer_id
),

held AS (
    SELECT
        opening_lots.customer_id,
        SUM(opening_lots.remaining) AS points
    FROM opening_lots
    GROUP BY opening_lots.customer_id
)

SELECT
    CAST(noticed.customer_id AS VARCHAR) AS customer_id,
    CAST(noticed.points AS BIGINT) AS noticed_points,
    CAST(noticed.points_if_inactive AS BIGINT) AS noticed_points_if_inactive,
    CAST(held.points AS BIGINT) AS held_points
FROM noticed
LEFT JOIN held ON noticed.customer_id = held.customer_id
WHERE GREATEST(noticed.points, noticed.points_if_inactive) > COALESCE(held.points, 0)
ORDER BY customer_id
