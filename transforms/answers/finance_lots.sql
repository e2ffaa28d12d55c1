-- purpose: What is left in the lots at the end of each period, of points and of miles
-- grain: one row per ledger, period and kind of lots
-- keys: ledger, period, kind
-- inputs: point_lots(period, kind, remaining), mileage_lots(month, remaining)
-- policy: none
-- rules: B2, P11
-- kept: table
WITH lots AS (
    SELECT
        'points' AS ledger,
        point_lots.period,
        point_lots.kind,
        SUM(point_lots.remaining) AS amount
    FROM point_lots
    GROUP BY point_lots.period, point_lots.kind
    UNION ALL
    SELECT
        'miles' AS ledger,
        mileage_lots.month AS period,
        'flight' AS kind,
        SUM(mileage_lots.remaining) AS amount
    FROM mileage_lots
    GROUP BY mileage_lots.month
)

SELECT
    CAST(lots.ledger AS VARCHAR) AS ledger,
    CAST(lots.period AS VARCHAR) AS period,
    CAST(lots.kind AS VARCHAR) AS kind,
    CAST(lots.amount AS BIGINT) AS amount
FROM lots
