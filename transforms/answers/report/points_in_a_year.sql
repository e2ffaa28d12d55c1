-- purpose: The points of the last 12 months from opening to closing, by what moved them
-- grain: one row per step
-- keys: step
-- inputs: point_liability(period, points), point_movements(period, lot_kind, movement, points),
--   run_context(last_period, year_ago_period)
-- policy: none
-- rules: P11
WITH moved AS (
    SELECT
        CASE point_movements.movement
            WHEN 'credit' THEN point_movements.lot_kind
            WHEN 'redemption' THEN 'used'
            WHEN 'cancellation' THEN 'given back'
            WHEN 'refund' THEN 'refunded'
            ELSE 'expired'
        END AS step,
        point_movements.points
    FROM point_movements
    CROSS JOIN run_context
    WHERE point_movements.period > run_context.year_ago_period
        AND point_movements.period <= run_context.last_period
        AND point_movements.points <> 0
),

left_over AS (
    SELECT point_liability.points
    FROM point_liability
    CROSS JOIN run_context
    WHERE point_liability.period = run_context.last_period
),

-- what the span opened with follows from how it closed; the ties compare it with what was left
steps AS (
    SELECT
        'opening' AS step,
        left_over.points
    FROM left_over
    UNION ALL
    SELECT
        'opening' AS step,
        -moved.points AS points
    FROM moved
    UNION ALL
    SELECT
        moved.step,
        moved.points
    FROM moved
    UNION ALL
    SELECT
        'closing' AS step,
        left_over.points
    FROM left_over
)

SELECT
    CAST(steps.step AS VARCHAR) AS step,
    CAST(SUM(steps.points) AS BIGINT) AS points
FROM steps
GROUP BY steps.step
ORDER BY step
