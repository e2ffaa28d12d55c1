-- purpose: What two published tables both say, compared: the difference is 0
-- grain: one row per thing that is compared and period; those that differ first
-- keys: tie, period
-- inputs: tier_moves(membership_year, tier, customers, annual_fee),
--   tier_bands(membership_year, customers, annual_fee),
--   tier_snapshot(membership_year, annual_fee), point_liability(period, points),
--   point_movements(period, lot_kind, movement, points), point_balances(period, closing),
--   point_grants(membership_year, points), expiry_sweep(year, points),
--   redemption_results(month, points, cancels, status), refund_results(month, points, status),
--   micropayment_results(month, amount, status), micropayment_usage(month, approved_total),
--   mileage_balances(month, opening, closing), mileage_movements(month, movement, miles),
--   award_results(month, miles, status), mixed_payment_results(month, miles, status),
--   run_context(membership_year, last_period, year_ago_month)
-- policy: none
-- rules: T9, G1, P4, P6, P9, P11, M5, W5, X2
WITH closings AS (
    SELECT
        point_liability.period,
        SUM(point_liability.points) AS points
    FROM point_liability
    GROUP BY point_liability.period
),

neighbours AS (
    SELECT
        closings.period,
        MAX(before_it.period) AS period_before
    FROM closings
    INNER JOIN closings AS before_it ON before_it.period < closings.period
    GROUP BY closings.period
),

snapshots AS (
    SELECT
        CAST(tier_snapshot.membership_year AS VARCHAR) AS period,
        COUNT(*) AS customers,
        SUM(tier_snapshot.annual_fee) AS annual_fee
    FROM tier_snapshot
    CROSS JOIN run_context
    WHERE tier_snapshot.membership_year >= run_context.membership_year - 1
        AND tier_snapshot.membership_year <= run_context.membership_year
    GROUP BY tier_snapshot.membership_year
),

assessed AS (
    SELECT
        'tier_moves' AS table_name,
        CAST(tier_moves.membership_year AS VARCHAR) AS period,
        SUM(tier_moves.customers) AS customers,
        SUM(tier_moves.annual_fee) AS annual_fee
    FROM tier_moves
    CROSS JOIN run_context
    WHERE tier_moves.tier IS NOT NULL
        AND tier_moves.membership_year >= run_context.membership_year - 1
        AND tier_moves.membership_year <= run_context.membership_year
    GROUP BY tier_moves.membership_year
    UNION ALL
    SELECT
        'tier_bands' AS table_name,
        CAST(tier_bands.membership_year AS VARCHAR) AS period,
        SUM(tier_bands.customers) AS customers,
        SUM(tier_bands.annual_fee) AS annual_fee
    FROM tier_bands
    CROSS JOIN run_context
    WHERE tier_bands.membership_year >= run_context.membership_year - 1
        AND tier_bands.membership_year <= run_context.membership_year
    GROUP BY tier_bands.membership_year
),

moved AS (
    SELECT
        point_movements.period,
        CASE
            WHEN point_movements.movement = 'credit' AND point_movements.lot_kind = 'membership'
                THEN 'grant'
            ELSE point_movements.movement
        END AS movement,
        SUM(point_movements.points) AS points
    FROM point_movements
    GROUP BY
        point_movements.period,
        CASE
            WHEN point_movements.movement = 'credit' AND point_movements.lot_kind = 'membership'
                THEN 'grant'
            ELSE point_movements.movement
        END
),

flown AS (
    SELECT
        mileage_movements.month,
        mileage_movements.movement,
        SUM(mileage_movements.miles) AS miles
    FROM mileage_movements
    GROUP BY mileage_movements.month, mileage_movements.movement
),

-- of each pair the first table's side
first_sides AS (
    SELECT
        assessed.table_name || ', tier_snapshot: customers' AS tie,
        assessed.period,
        assessed.customers AS amount
    FROM assessed
    UNION ALL
    SELECT
        assessed.table_name || ', tier_snapshot: annual fees' AS tie,
        assessed.period,
        assessed.annual_fee AS amount
    FROM assessed
    UNION ALL
    SELECT
        'point_movements, point_liability: points' AS tie,
        neighbours.period,
        moved.points AS amount
    FROM neighbours
    INNER JOIN moved
        ON neighbours.period_before < moved.period
        AND moved.period <= neighbours.period
    UNION ALL
    SELECT
        'point_balances, point_liability: points' AS tie,
        point_balances.period,
        SUM(point_balances.closing) AS amount
    FROM point_balances
    CROSS JOIN run_context
    WHERE point_balances.period = run_context.last_period
    GROUP BY point_balances.period
    UNION ALL
    SELECT
        'point_grants, point_movements: points' AS tie,
        credited.period,
        SUM(point_grants.points) AS amount
    FROM point_grants
    CROSS JOIN run_context
    INNER JOIN moved AS credited
        ON credited.movement = 'grant'
        AND LEFT(credited.period, 2 * 2) = CAST(point_grants.membership_year AS VARCHAR)
    WHERE point_grants.membership_year = run_context.membership_year
    GROUP BY credited.period
    UNION ALL
    SELECT
        'expiry_sweep, point_movements: points' AS tie,
        CAST(expiry_sweep.year AS VARCHAR) || '-YE' AS period,
        SUM(expiry_sweep.points) AS amount
    FROM expiry_sweep
    CROSS JOIN run_context
    WHERE CAST(expiry_sweep.year AS VARCHAR) || '-YE' >= run_context.year_ago_month
    GROUP BY expiry_sweep.year
    UNION ALL
    SELECT
        'redemption_results, point_movements: points' AS tie,
        redemption_results.month AS period,
        SUM(redemption_results.points) AS amount
    FROM redemption_results
    CROSS JOIN run_context
    WHERE redemption_results.status = 'accepted'
        AND redemption_results.cancels IS NULL
        AND redemption_results.month >= run_context.year_ago_month
    GROUP BY redemption_results.month
    UNION ALL
    SELECT
        'refund_results, point_movements: points' AS tie,
        refund_results.month AS period,
        SUM(refund_results.points) AS amount
    FROM refund_results
    CROSS JOIN run_context
    WHERE refund_results.status = 'accepted'
        AND refund_results.month >= run_context.year_ago_month
    GROUP BY refund_results.month
    UNION ALL
    SELECT
        'micropayment_results, micropayment_usage: won' AS tie,
        micropayment_results.month AS period,
        SUM(micropayment_results.amount) AS amount
    FROM micropayment_results
    CROSS JOIN run_context
    WHERE micropayment_results.status = 'approved'
        AND micropayment_results.month >= run_context.year_ago_month
    GROUP BY micropayment_results.month
    UNION ALL
    SELECT
        'mileage_balances, mileage_movements: miles' AS tie,
        mileage_balances.month AS period,
        SUM(mileage_balances.closing - mileage_balances.opening) AS amount
    FROM mileage_balances
    CROSS JOIN run_context
    WHERE mileage_balances.month >= run_context.year_ago_month
    GROUP BY mileage_balances.month
    UNION ALL
    SELECT
        'award_results, mileage_movements: miles' AS tie,
        award_results.month AS period,
        SUM(award_results.miles) AS amount
    FROM award_results
    CROSS JOIN run_context
    WHERE award_results.status = 'accepted'
        AND award_results.month >= run_context.year_ago_month
    GROUP BY award_results.month
    UNION ALL
    SELECT
        'mixed_payment_results, mileage_movements: miles' AS tie,
        mixed_payment_results.month AS period,
        SUM(mixed_payment_results.miles) AS amount
    FROM mixed_payment_results
    CROSS JOIN run_context
    WHERE mixed_payment_results.status = 'accepted'
        AND mixed_payment_results.month >= run_context.year_ago_month
    GROUP BY mixed_payment_results.month
),

second_sides AS (
    SELECT
        assessed.table_name || ', tier_snapshot: customers' AS tie,
        snapshots.period,
        snapshots.customers AS amount
    FROM snapshots
    INNER JOIN assessed ON snapshots.period = assessed.period
    UNION ALL
    SELECT
        assessed.table_name || ', tier_snapshot: annual fees' AS tie,
        snapshots.period,
        snapshots.annual_fee AS amount
    FROM snapshots
    INNER JOIN assessed ON snapshots.period = assessed.period
    UNION ALL
    SELECT
        'point_movements, point_liability: points' AS tie,
        neighbours.period,
        CASE
            WHEN closings.period = neighbours.period THEN closings.points
            ELSE -closings.points
        END AS amount
    FROM neighbours
    INNER JOIN closings
        ON closings.period = neighbours.period
        OR closings.period = neighbours.period_before
    UNION ALL
    SELECT
        'point_balances, point_liability: points' AS tie,
        closings.period,
        closings.points AS amount
    FROM closings
    CROSS JOIN run_context
    WHERE closings.period = run_context.last_period
    UNION ALL
    SELECT
        CASE moved.movement
            WHEN 'grant' THEN 'point_grants, point_movements: points'
            WHEN 'expiry' THEN 'expiry_sweep, point_movements: points'
            WHEN 'redemption' THEN 'redemption_results, point_movements: points'
            ELSE 'refund_results, point_movements: points'
        END AS tie,
        moved.period,
        CASE WHEN moved.movement = 'grant' THEN moved.points ELSE -moved.points END AS amount
    FROM moved
    CROSS JOIN run_context
    WHERE (
            moved.movement = 'grant'
            AND LEFT(moved.period, 2 * 2) = CAST(run_context.membership_year AS VARCHAR)
        )
        OR (
            moved.movement IN ('redemption', 'refund', 'expiry')
            AND moved.period >= run_context.year_ago_month
        )
    UNION ALL
    SELECT
        'micropayment_results, micropayment_usage: won' AS tie,
        micropayment_usage.month AS period,
        SUM(micropayment_usage.approved_total) AS amount
    FROM micropayment_usage
    CROSS JOIN run_context
    WHERE micropayment_usage.month >= run_context.year_ago_month
    GROUP BY micropayment_usage.month
    UNION ALL
    SELECT
        'mileage_balances, mileage_movements: miles' AS tie,
        flown.month AS period,
        flown.miles AS amount
    FROM flown
    CROSS JOIN run_context
    WHERE flown.month >= run_context.year_ago_month
    UNION ALL
    SELECT
        CASE flown.movement
            WHEN 'award' THEN 'award_results, mileage_movements: miles'
            ELSE 'mixed_payment_results, mileage_movements: miles'
        END AS tie,
        flown.month AS period,
        -flown.miles AS amount
    FROM flown
    CROSS JOIN run_context
    WHERE flown.movement IN ('award', 'mixed_payment')
        AND flown.month >= run_context.year_ago_month
),

sides AS (
    SELECT
        first_sides.tie,
        first_sides.period,
        first_sides.amount AS first_amount,
        0 AS second_amount
    FROM first_sides
    UNION ALL
    SELECT
        second_sides.tie,
        second_sides.period,
        0 AS first_amount,
        second_sides.amount AS second_amount
    FROM second_sides
)

SELECT
    CAST(sides.tie AS VARCHAR) AS tie,
    CAST(sides.period AS VARCHAR) AS period,
    CAST(SUM(sides.first_amount) AS BIGINT) AS first_says,
    CAST(SUM(sides.second_amount) AS BIGINT) AS second_says,
    CAST(SUM(sides.first_amount) - SUM(sides.second_amount) AS BIGINT) AS difference
FROM sides
CROSS JOIN run_context
WHERE sides.period <= run_context.last_period
    OR sides.period = CAST(run_context.membership_year AS VARCHAR)
GROUP BY sides.tie, sides.period
ORDER BY ABS(SUM(sides.first_amount) - SUM(sides.second_amount)) DESC, tie, period
