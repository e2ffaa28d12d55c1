-- purpose: The entries of each period added up, of points and of miles: what the movements are
--   compared with
-- grain: one row per ledger, period, kind of lots, movement and cause
-- keys: ledger, period, kind, movement, cause
-- inputs: point_entries(period, lot_kind, kind, cause, points), mileage_entries(month, kind, miles)
-- policy: none
-- rules: B2, P11
-- kept: table
WITH entries AS (
    SELECT
        'points' AS ledger,
        point_entries.period,
        point_entries.lot_kind AS kind,
        CASE
            WHEN point_entries.kind IN ('membership', 'payment', 'promotion', 'purchase')
                THEN 'credit'
            ELSE point_entries.kind
        END AS movement,
        point_entries.cause,
        point_entries.points AS amount
    FROM point_entries
    UNION ALL
    SELECT
        'miles' AS ledger,
        mileage_entries.month AS period,
        'flight' AS kind,
        CASE WHEN mileage_entries.kind = 'flight' THEN 'credit' ELSE mileage_entries.kind END
            AS movement,
        CAST(NULL AS VARCHAR) AS cause,
        mileage_entries.miles AS amount
    FROM mileage_entries
)

SELECT
    CAST(entries.ledger AS VARCHAR) AS ledger,
    CAST(entries.period AS VARCHAR) AS period,
    CAST(entries.kind AS VARCHAR) AS kind,
    CAST(entries.movement AS VARCHAR) AS movement,
    CAST(entries.cause AS VARCHAR) AS cause,
    CAST(SUM(entries.amount) AS BIGINT) AS amount
FROM entries
GROUP BY entries.ledger, entries.period, entries.kind, entries.movement, entries.cause
