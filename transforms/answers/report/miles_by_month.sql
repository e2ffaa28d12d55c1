-- purpose: Miles from opening to closing, over the last 13 months
-- grain: one row per closed month
-- keys: month
-- inputs: mileage_balances(month, opening, closing), mileage_movements(month, movement, miles),
--   run_context(last_month, year_ago_month)
-- policy: none
-- rules: P11, F4, X2
WITH balances AS (
    SELECT
        mileage_balances.month,
        SUM(mileage_balances.opening) AS opening,
        SUM(mileage_balances.closing) AS closing
    FROM mileage_balances
    CROSS JOIN run_context
    WHERE mileage_balances.month >= run_context.year_ago_month
        AND mileage_balances.month <= run_context.last_month
    GROUP BY mileage_balances.month
),

moved AS (
    SELECT
        mileage_movements.month,
        SUM(CASE WHEN mileage_movements.movement = 'credit' THEN mileage_movements.miles ELSE 0 END)
            AS flown,
        -SUM(CASE WHEN mileage_movements.movement = 'award' THEN mileage_movements.miles ELSE 0 END)
            AS awards,
        -SUM(
            CASE
                WHEN mileage_movements.movement = 'mixed_payment' THEN mileage_movements.miles
                ELSE 0
            END
        ) AS mixed_payments,
        -SUM(
            CASE WHEN mileage_movements.movement = 'expiry' THEN mileage_movements.miles ELSE 0 END
        ) AS expired
    FROM mileage_movements
    GROUP BY mileage_movements.month
)

SELECT
    CAST(balances.month AS VARCHAR) AS month,
    CAST(balances.opening AS BIGINT) AS opening,
    CAST(COALESCE(moved.flown, 0) AS BIGINT) AS flown,
    CAST(COALESCE(moved.awards, 0) AS BIGINT) AS awards,
    CAST(COALESCE(moved.mixed_payments, 0) AS BIGINT) AS mixed_payments,
    CAST(COALESCE(moved.expired, 0) AS BIGINT) AS expired,
    CAST(balances.closing AS BIGINT) AS closing
FROM balances
LEFT JOIN moved ON balances.month = moved.month
ORDER BY month
