-- purpose: What was credited, used and lapsed in each month and sweep, and what was left
-- grain: one row per closed period
-- keys: period
-- inputs: point_liability(period, points), point_movements(period, movement, points),
--   run_context(last_period)
-- policy: none
-- rules: P11, P12
WITH moved AS (
    SELECT
        point_movements.period,
        SUM(CASE WHEN point_movements.movement = 'credit' THEN point_movements.points ELSE 0 END)
            AS credited,
        -SUM(
            CASE WHEN point_movements.movement = 'redemption' THEN point_movements.points ELSE 0 END
        ) AS used,
        SUM(
            CASE
                WHEN point_movements.movement = 'cancellation' THEN point_movements.points
                ELSE 0
            END
        ) AS given_back,
        -SUM(CASE WHEN point_movements.movement = 'refund' THEN point_movements.points ELSE 0 END)
            AS refunded,
        -SUM(CASE WHEN point_movements.movement = 'expiry' THEN point_movements.points ELSE 0 END)
            AS expired,
        SUM(point_movements.points) AS moved
    FROM point_movements
    GROUP BY point_movements.period
),

left_over AS (
    SELECT
        point_liability.period,
        SUM(point_liability.points) AS closing
    FROM point_liability
    GROUP BY point_liability.period
)

SELECT
    CAST(COALESCE(left_over.period, moved.period) AS VARCHAR) AS period,
    CAST(COALESCE(left_over.closing, 0) - COALESCE(moved.moved, 0) AS BIGINT) AS opening,
    CAST(COALESCE(moved.credited, 0) AS BIGINT) AS credited,
    CAST(COALESCE(moved.used, 0) AS BIGINT) AS used,
    CAST(COALESCE(moved.given_back, 0) AS BIGINT) AS given_back,
    CAST(COALESCE(moved.refunded, 0) AS BIGINT) AS refunded,
    CAST(COALESCE(moved.expired, 0) AS BIGINT) AS expired,
    CAST(COALESCE(left_over.closing, 0) AS BIGINT) AS closing
FROM left_over
FULL JOIN moved ON left_over.period = moved.period
CROSS JOIN run_context
WHERE COALESCE(left_over.period, moved.period) <= run_context.last_period
ORDER BY period DESC
