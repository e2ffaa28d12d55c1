-- purpose: The figures of the report's first page, each with that of a year before
-- grain: one row per figure that is published
-- keys: figure
-- inputs: tier_moves(membership_year, tier, customers, annual_fee),
--   point_liability(period, points), point_movements(period, movement, points),
--   micropayment_usage(month, approved_total), mileage_balances(month, closing),
--   run_context(membership_year, last_month, last_period, year_ago_month, year_ago_period,
--   two_years_ago_period)
-- policy: none
-- rules: T9, P11, M3
WITH amounts AS (
    SELECT
        'customers with a tier' AS figure,
        'customers' AS unit,
        CAST(tier_moves.membership_year AS VARCHAR) AS period,
        tier_moves.membership_year = run_context.membership_year AS is_now,
        tier_moves.customers AS amount
    FROM tier_moves
    CROSS JOIN run_context
    WHERE tier_moves.tier IS NOT NULL
        AND tier_moves.membership_year >= run_context.membership_year - 1
        AND tier_moves.membership_year <= run_context.membership_year
    UNION ALL
    SELECT
        'annual fees that tiers rest on' AS figure,
        'won' AS unit,
        CAST(tier_moves.membership_year AS VARCHAR) AS period,
        tier_moves.membership_year = run_context.membership_year AS is_now,
        tier_moves.annual_fee AS amount
    FROM tier_moves
    CROSS JOIN run_context
    WHERE tier_moves.tier IS NOT NULL
        AND tier_moves.membership_year >= run_context.membership_year - 1
        AND tier_moves.membership_year <= run_context.membership_year
    UNION ALL
    SELECT
        'points outstanding' AS figure,
        'points' AS unit,
        point_liability.period,
        point_liability.period = run_context.last_period AS is_now,
        point_liability.points AS amount
    FROM point_liability
    CROSS JOIN run_context
    WHERE point_liability.period IN (run_context.last_period, run_context.year_ago_period)
    UNION ALL
    SELECT
        'points used less given back in 12 months' AS figure,
        'points' AS unit,
        CASE
            WHEN point_movements.period > run_context.year_ago_period
                THEN run_context.last_period
            ELSE run_context.year_ago_period
        END AS period,
        point_movements.period > run_context.year_ago_period AS is_now,
        -point_movements.points AS amount
    FROM point_movements
    CROSS JOIN run_context
    WHERE point_movements.movement IN ('redemption', 'cancellation')
        AND point_movements.period > run_context.two_years_ago_period
        AND point_movements.period <= run_context.last_period
    UNION ALL
    SELECT
        'micropayments approved in the month' AS figure,
        'won' AS unit,
        micropayment_usage.month AS period,
        micropayment_usage.month = run_context.last_month AS is_now,
        micropayment_usage.approved_total AS amount
    FROM micropayment_usage
    CROSS JOIN run_context
    WHERE micropayment_usage.month IN (run_context.last_month, run_context.year_ago_month)
    UNION ALL
    SELECT
        'miles outstanding' AS figure,
        'miles' AS unit,
        mileage_balances.month AS period,
        mileage_balances.month = run_context.last_month AS is_now,
        mileage_balances.closing AS amount
    FROM mileage_balances
    CROSS JOIN run_context
    WHERE mileage_balances.month IN (run_context.last_month, run_context.year_ago_month)
)

SELECT
    CAST(amounts.figure AS VARCHAR) AS figure,
    CAST(amounts.unit AS VARCHAR) AS unit,
    CAST(MAX(CASE WHEN amounts.is_now THEN amounts.period END) AS VARCHAR) AS period,
    CAST(SUM(CASE WHEN amounts.is_now THEN amounts.amount END) AS BIGINT) AS amount,
    CAST(MAX(CASE WHEN NOT amounts.is_now THEN amounts.period END) AS VARCHAR) AS period_before,
    CAST(SUM(CASE WHEN NOT amounts.is_now THEN amounts.amount END) AS BIGINT) AS amount_before
FROM amounts
GROUP BY amounts.figure, amounts.unit
HAVING MAX(CASE WHEN amounts.is_now THEN 1 ELSE 0 END) = 1
ORDER BY figure
