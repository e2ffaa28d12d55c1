-- purpose: Each customer's points from opening to closing, and what can still be used
-- grain: one row per customer with a lot or an entry in the period
-- keys: customer_id
-- inputs: opening_lots(customer_id, remaining), point_entries(customer_id, kind, points),
--   point_lots(customer_id, expires_on, remaining), run_context(last_day)
-- policy: none
-- rules: P11
WITH openings AS (
    SELECT opening_lots.customer_id, SUM(opening_lots.remaining) AS opening
    FROM opening_lots
    GROUP BY opening_lots.customer_id
),

movements AS (
    SELECT
        point_entries.customer_id,
        SUM(
            CASE
                WHEN point_entries.kind IN ('membership', 'payment', 'promotion', 'purchase')
                    THEN point_entries.points
            END
        ) AS credited,
        SUM(
            CASE WHEN point_entries.kind IN ('redemption', 'refund') THEN -point_entries.points END
        ) AS spent,
        SUM(CASE WHEN point_entries.kind = 'cancellation' THEN point_entries.points END)
            AS restored,
        SUM(CASE WHEN point_entries.kind = 'expiry' THEN -point_entries.points END) AS expired
    FROM point_entries
    GROUP BY point_entries.customer_id
),

closings AS (
    SELECT
        point_lots.customer_id,
        SUM(point_lots.remaining) AS closing,
        SUM(
            CASE WHEN point_lots.expires_on > run_context.last_day THEN point_lots.remaining END
        ) AS usable
    FROM point_lots
    CROSS JOIN run_context
    GROUP BY point_lots.customer_id
)

SELECT
    CAST(
        COALESCE(openings.customer_id, movements.customer_id, closings.customer_id) AS VARCHAR
    ) AS customer_id,
    CAST(COALESCE(openings.opening, 0) AS BIGINT) AS opening,
    CAST(COALESCE(movements.credited, 0) AS BIGINT) AS credited,
    CAST(COALESCE(movements.spent, 0) AS BIGINT) AS spent,
    CAST(COALESCE(movements.restored, 0) AS BIGINT) AS restored,
    CAST(COALESCE(movements.expired, 0) AS BIGINT) AS expired,
    CAST(COALESCE(closings.closing, 0) AS BIGINT) AS closing,
    CAST(COALESCE(closings.usable, 0) AS BIGINT) AS usable
FROM openings
FULL JOIN movements ON openings.customer_id = movements.customer_id
FULL JOIN closings
    ON COALESCE(openings.customer_id, movements.customer_id) = closings.customer_id
ORDER BY customer_id
