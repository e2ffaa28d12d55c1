-- purpose: What moved points and miles, by what it is called in a roll-forward
-- grain: one row per ledger, period, kind of lots, month of credit and of expiry, movement and cause
-- keys: ledger, period, kind, credited_month, expires_month, movement, cause
-- inputs: point_movements(period, lot_kind, credited_month, expires_month, movement, cause, points),
--   mileage_movements(month, lot_kind, credited_month, expires_month, movement, miles)
-- policy: none
-- rules: B2, P11
-- kept: table
WITH movements AS (
    SELECT
        'points' AS ledger,
        point_movements.period,
        point_movements.lot_kind AS kind,
        point_movements.credited_month,
        point_movements.expires_month,
        point_movements.movement,
        point_movements.cause,
        point_movements.points AS amount
    FROM point_movements
    UNION ALL
    SELECT
        'miles' AS ledger,
        mileage_movements.month AS period,
        mileage_movements.lot_kind AS kind,
        mileage_movements.credited_month,
        mileage_movements.expires_month,
        mileage_movements.movement,
        CAST(NULL AS VARCHAR) AS cause,
        mileage_movements.miles AS amount
    FROM mileage_movements
)

SELECT
    CAST(movements.ledger AS VARCHAR) AS ledger,
    CAST(movements.period AS VARCHAR) AS period,
    CAST(movements.kind AS VARCHAR) AS kind,
    CAST(movements.credited_month AS VARCHAR) AS credited_month,
    CAST(movements.expires_month AS VARCHAR) AS expires_month,
    CAST(movements.movement AS VARCHAR) AS movement,
    CAST(movements.cause AS VARCHAR) AS cause,
    CAST(SUM(movements.amount) AS BIGINT) AS amount
FROM movements
GROUP BY
    movements.ledger,
    movements.period,
    movements.kind,
    movements.credited_month,
    movements.expires_month,
    movements.movement,
    movements.cause
