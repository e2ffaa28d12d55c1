-- purpose: What became of the points and miles that were credited in a month, by their age
-- grain: one row per ledger, month of credit, kind of lots and period in which any of them moved
-- keys: ledger, credited_month, kind, period
-- inputs: finance_movements(ledger, period, kind, credited_month, expires_month, movement, amount),
--   lots_taken_over(ledger, period, kind, credited_on, expires_on, remaining)
-- policy: none
-- rules: B2, B4, P12
WITH moved AS (
    SELECT
        finance_movements.ledger,
        finance_movements.credited_month,
        finance_movements.kind,
        finance_movements.period,
        finance_movements.expires_month,
        finance_movements.movement,
        finance_movements.amount
    FROM finance_movements
    UNION ALL
    SELECT
        lots_taken_over.ledger,
        strftime(lots_taken_over.credited_on, '%Y-%m') AS credited_month,
        lots_taken_over.kind,
        lots_taken_over.period,
        strftime(lots_taken_over.expires_on, '%Y-%m') AS expires_month,
        'taken_over' AS movement,
        lots_taken_over.remaining AS amount
    FROM lots_taken_over
),

summed AS (
    SELECT
        moved.ledger,
        moved.credited_month,
        moved.kind,
        moved.period,
        -- a year's end is of its December
        CAST(STRPTIME(REPLACE(moved.period, 'YE', '12'), '%Y-%m') AS DATE) AS in_month,
        CAST(STRPTIME(moved.credited_month, '%Y-%m') AS DATE) AS from_month,
        MAX(moved.expires_month) AS expires_month,
        SUM(CASE WHEN moved.movement = 'taken_over' THEN moved.amount ELSE 0 END) AS taken_over,
        SUM(CASE WHEN moved.movement = 'credit' THEN moved.amount ELSE 0 END) AS credited,
        -SUM(
            CASE
                WHEN moved.movement IN ('redemption', 'cancellation', 'award', 'mixed_payment')
                    THEN moved.amount
                ELSE 0
            END
        ) AS used,
        -SUM(CASE WHEN moved.movement = 'refund' THEN moved.amount ELSE 0 END) AS refunded,
        -SUM(CASE WHEN moved.movement = 'expiry' THEN moved.amount ELSE 0 END) AS expired,
        SUM(moved.amount) AS amount
    FROM moved
    GROUP BY moved.ledger, moved.credited_month, moved.kind, moved.period
)

SELECT
    CAST(summed.ledger AS VARCHAR) AS ledger,
    CAST(summed.credited_month AS VARCHAR) AS credited_month,
    CAST(summed.kind AS VARCHAR) AS kind,
    CAST(summed.period AS VARCHAR) AS period,
    CAST(
        (YEAR(summed.in_month) - YEAR(summed.from_month)) * 12
        + MONTH(summed.in_month)
        - MONTH(summed.from_month)
        AS BIGINT
    ) AS age_months,
    CAST(summed.expires_month AS VARCHAR) AS expires_month,
    CAST(summed.taken_over AS BIGINT) AS taken_over,
    CAST(summed.credited AS BIGINT) AS credited,
    CAST(summed.used AS BIGINT) AS used,
    CAST(summed.refunded AS BIGINT) AS refunded,
    CAST(summed.expired AS BIGINT) AS expired,
    CAST(
        SUM(summed.amount) OVER (
            PARTITION BY summed.ledger, summed.credited_month, summed.kind ORDER BY summed.period
        )
        AS BIGINT
    ) AS open
FROM summed
ORDER BY ledger, credited_month, kind, period
