-- purpose: What became of the points that were credited in a year
-- grain: one row per year of credit and kind of lots
-- keys: credited_year, kind
-- inputs: point_movements(period, lot_kind, credited_month, movement, points),
--   run_context(last_period)
-- policy: none
-- rules: B4, P11
WITH moved AS (
    SELECT
        LEFT(point_movements.credited_month, 2 * 2) AS credited_year,
        point_movements.lot_kind AS kind,
        SUM(CASE WHEN point_movements.movement = 'credit' THEN point_movements.points ELSE 0 END)
            AS credited,
        -SUM(
            CASE
                WHEN point_movements.movement IN ('redemption', 'cancellation')
                    THEN point_movements.points
                ELSE 0
            END
        ) AS used,
        -SUM(CASE WHEN point_movements.movement = 'refund' THEN point_movements.points ELSE 0 END)
            AS refunded,
        -SUM(CASE WHEN point_movements.movement = 'expiry' THEN point_movements.points ELSE 0 END)
            AS expired
    FROM point_movements
    CROSS JOIN run_context
    WHERE point_movements.period <= run_context.last_period
    GROUP BY LEFT(point_movements.credited_month, 2 * 2), point_movements.lot_kind
)

SELECT
    CAST(moved.credited_year AS BIGINT) AS credited_year,
    CAST(moved.kind AS VARCHAR) AS kind,
    CAST(moved.credited AS BIGINT) AS credited,
    CAST(moved.used AS BIGINT) AS used,
    CAST(moved.refunded AS BIGINT) AS refunded,
    CAST(moved.expired AS BIGINT) AS expired,
    CAST(moved.credited - moved.used - moved.refunded - moved.expired AS BIGINT) AS left_open,
    CAST(moved.expired * 100 * 100 // moved.credited AS BIGINT) AS expired_bp
FROM moved
WHERE moved.credited > 0
ORDER BY credited_year, kind
