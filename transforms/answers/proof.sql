-- purpose: Every tie of the sheets with the published tables and with each other: both sides, and
--   what they differ by
-- grain: one row per tie, table, period, kind of lots and amount
-- keys: tie, table_name, period, kind, amount
-- inputs: reported_periods(ledger, period, opens_from),
--   roll_forward(ledger, period, kind, opening, credited, redeemed, given_back, refunded,
--   expired_validity, expired_inactivity, expired_policy_change, closing, difference),
--   point_balances(period, opening, credited, spent, restored, expired, closing),
--   mileage_balances(month, opening, credited, spent, expired, closing),
--   finance_movements(ledger, period, kind, movement, cause, amount),
--   finance_entries(ledger, period, kind, movement, cause, amount),
--   point_liability(period, kind, points), liability(kind, points),
--   cohorts(ledger, kind, period, taken_over, credited, used, refunded, expired),
--   breakage(kind, credited, used, refunded, expired, open),
--   settlement(points, fee_krw, amount_krw),
--   refund_results(month, points, fee, amount_krw, status),
--   micropayment_bills(billing_month, lines, amount_krw, platform_fee_krw),
--   micropayment_results(month, amount, platform_fee, status),
--   collected(membership_year, counting_krw, assessed_krw, excepted_krw),
--   published_files(table_name, period, run_id, sha256, stale), run_context(last_month)
-- policy: none
-- rules: B2, P11
WITH rolled AS (
    SELECT
        roll_forward.ledger,
        roll_forward.period,
        roll_forward.kind,
        names.amount,
        CASE
            WHEN names.amount = 'opening' THEN roll_forward.opening
            WHEN names.amount = 'credited' THEN roll_forward.credited
            WHEN names.amount = 'redeemed' THEN roll_forward.redeemed
            WHEN names.amount = 'given_back' THEN roll_forward.given_back
            WHEN names.amount = 'refunded' THEN roll_forward.refunded
            WHEN names.amount = 'expired'
                THEN roll_forward.expired_validity
                + roll_forward.expired_inactivity
                + roll_forward.expired_policy_change
            WHEN names.amount = 'closing' THEN roll_forward.closing
            ELSE roll_forward.closing + roll_forward.difference
        END AS points
    FROM roll_forward
    CROSS JOIN (
        SELECT
            UNNEST(
                [
                    'opening',
                    'credited',
                    'redeemed',
                    'given_back',
                    'refunded',
                    'expired',
                    'closing',
                    'reckoned'
                ]
            ) AS amount
    ) AS names
),

balances AS (
    SELECT
        'points' AS ledger,
        point_balances.period,
        point_balances.opening,
        point_balances.credited,
        point_balances.spent,
        point_balances.restored,
        point_balances.expired,
        point_balances.closing
    FROM point_balances
    UNION ALL
    SELECT
        'miles' AS ledger,
        mileage_balances.month AS period,
        mileage_balances.opening,
        mileage_balances.credited,
        mileage_balances.spent,
        0 AS restored,
        mileage_balances.expired,
        mileage_balances.closing
    FROM mileage_balances
),

totals AS (
    SELECT
        balances.ledger,
        balances.period,
        SUM(balances.opening) AS opening,
        SUM(balances.credited) AS credited,
        SUM(balances.spent) AS spent,
        SUM(balances.restored) AS restored,
        SUM(balances.expired) AS expired,
        SUM(balances.closing) AS closing
    FROM balances
    GROUP BY balances.ledger, balances.period
),

balanced AS (
    SELECT
        totals.ledger,
        totals.period,
        names.amount,
        CASE
            WHEN names.amount = 'opening' THEN totals.opening
            WHEN names.amount = 'credited' THEN totals.credited
            WHEN names.amount = 'spent' THEN totals.spent
            WHEN names.amount = 'restored' THEN totals.restored
            WHEN names.amount = 'expired' THEN totals.expired
            ELSE totals.closing
        END AS points
    FROM totals
    CROSS JOIN (
        SELECT
            UNNEST(['opening', 'credited', 'spent', 'restored', 'expired', 'closing']) AS amount
    ) AS names
),

grown AS (
    SELECT
        cohorts.ledger,
        cohorts.period,
        cohorts.kind,
        names.amount,
        CASE
            WHEN names.amount = 'taken_over' THEN cohorts.taken_over
            WHEN names.amount = 'credited' THEN cohorts.credited
            WHEN names.amount = 'used' THEN cohorts.used
            WHEN names.amount = 'refunded' THEN cohorts.refunded
            ELSE cohorts.expired
        END AS points
    FROM cohorts
    CROSS JOIN (
        SELECT UNNEST(['taken_over', 'credited', 'used', 'refunded', 'expired']) AS amount
    ) AS names
),

lapsed AS (
    SELECT
        breakage.kind,
        names.amount,
        CASE
            WHEN names.amount = 'credited' THEN breakage.credited
            WHEN names.amount = 'used' THEN breakage.used
            WHEN names.amount = 'refunded' THEN breakage.refunded
            WHEN names.amount = 'expired' THEN breakage.expired
            ELSE breakage.open
        END AS points
    FROM breakage
    CROSS JOIN (
        SELECT UNNEST(['credited', 'used', 'refunded', 'expired', 'open']) AS amount
    ) AS names
),

last_periods AS (
    SELECT
        reported_periods.ledger,
        MAX(reported_periods.period) AS period
    FROM reported_periods
    GROUP BY reported_periods.ledger
),

refunds AS (
    SELECT
        refund_results.month AS period,
        refund_results.points,
        refund_results.fee,
        refund_results.amount_krw
    FROM refund_results
    WHERE refund_results.status = 'accepted'
),

payments AS (
    SELECT
        micropayment_results.month AS period,
        micropayment_results.amount,
        micropayment_results.platform_fee
    FROM micropayment_results
    WHERE micropayment_results.status = 'approved'
),

billed AS (
    SELECT
        strftime(
            CAST(
                CAST(STRPTIME(micropayment_bills.billing_month, '%Y-%m') AS DATE)
                - INTERVAL 1 MONTH
                AS DATE
            ),
            '%Y-%m'
        ) AS period,
        micropayment_bills.lines,
        micropayment_bills.amount_krw,
        micropayment_bills.platform_fee_krw
    FROM micropayment_bills
),

-- what either side of a tie says, the other side being 0 in the row
sides AS (
    SELECT
        'balances' AS tie,
        CASE WHEN rolled.ledger = 'points' THEN 'point_balances' ELSE 'mileage_balances' END
            AS table_name,
        rolled.period,
        CAST(NULL AS VARCHAR) AS kind,
        CASE
            WHEN rolled.amount IN ('redeemed', 'refunded') THEN 'spent'
            WHEN rolled.amount = 'given_back' THEN 'restored'
            ELSE rolled.amount
        END AS amount,
        rolled.points AS ours,
        0 AS published
    FROM rolled
    WHERE rolled.amount <> 'reckoned'
    UNION ALL
    SELECT
        'balances' AS tie,
        CASE WHEN balanced.ledger = 'points' THEN 'point_balances' ELSE 'mileage_balances' END
            AS table_name,
        balanced.period,
        CAST(NULL AS VARCHAR) AS kind,
        balanced.amount,
        0 AS ours,
        balanced.points AS published
    FROM balanced
    UNION ALL
    SELECT
        'next opening' AS tie,
        CASE WHEN rolled.ledger = 'points' THEN 'point_balances' ELSE 'mileage_balances' END
            AS table_name,
        reported_periods.period,
        CAST(NULL AS VARCHAR) AS kind,
        'opening' AS amount,
        rolled.points AS ours,
        0 AS published
    FROM rolled
    INNER JOIN reported_periods
        ON rolled.ledger = reported_periods.ledger
        AND rolled.period = reported_periods.opens_from
    WHERE rolled.amount = 'closing'
    UNION ALL
    SELECT
        'next opening' AS tie,
        CASE WHEN balanced.ledger = 'points' THEN 'point_balances' ELSE 'mileage_balances' END
            AS table_name,
        balanced.period,
        CAST(NULL AS VARCHAR) AS kind,
        'opening' AS amount,
        0 AS ours,
        balanced.points AS published
    FROM balanced
    INNER JOIN reported_periods
        ON balanced.ledger = reported_periods.ledger
        AND balanced.period = reported_periods.period
    INNER JOIN reported_periods AS earlier
        ON reported_periods.ledger = earlier.ledger
        AND reported_periods.opens_from = earlier.period
    WHERE balanced.amount = 'opening'
    UNION ALL
    SELECT
        'lots' AS tie,
        CASE WHEN rolled.ledger = 'points' THEN 'point_lots' ELSE 'mileage_lots' END
            AS table_name,
        rolled.period,
        rolled.kind,
        'closing' AS amount,
        CASE WHEN rolled.amount = 'reckoned' THEN rolled.points ELSE 0 END AS ours,
        CASE WHEN rolled.amount = 'closing' THEN rolled.points ELSE 0 END AS published
    FROM rolled
    WHERE rolled.amount IN ('closing', 'reckoned')
    UNION ALL
    SELECT
        'entries' AS tie,
        CASE
            WHEN finance_movements.ledger = 'points' THEN 'point_entries'
            ELSE 'mileage_entries'
        END AS table_name,
        finance_movements.period,
        finance_movements.kind,
        finance_movements.movement || COALESCE(' ' || finance_movements.cause, '') AS amount,
        finance_movements.amount AS ours,
        0 AS published
    FROM finance_movements
    INNER JOIN reported_periods
        ON finance_movements.ledger = reported_periods.ledger
        AND finance_movements.period = reported_periods.period
    WHERE finance_movements.movement <> 'change'
    UNION ALL
    SELECT
        'entries' AS tie,
        CASE
            WHEN finance_entries.ledger = 'points' THEN 'point_entries'
            ELSE 'mileage_entries'
        END AS table_name,
        finance_entries.period,
        finance_entries.kind,
        finance_entries.movement || COALESCE(' ' || finance_entries.cause, '') AS amount,
        0 AS ours,
        finance_entries.amount AS published
    FROM finance_entries
    UNION ALL
    SELECT
        'liability' AS tie,
        'point_liability' AS table_name,
        rolled.period,
        rolled.kind,
        'closing' AS amount,
        rolled.points AS ours,
        0 AS published
    FROM rolled
    WHERE rolled.ledger = 'points' AND rolled.amount = 'closing'
    UNION ALL
    SELECT
        'liability' AS tie,
        'point_liability' AS table_name,
        point_liability.period,
        point_liability.kind,
        'closing' AS amount,
        0 AS ours,
        point_liability.points AS published
    FROM point_liability
    UNION ALL
    SELECT
        'liability sheet' AS tie,
        'point_lots' AS table_name,
        last_periods.period,
        liability.kind,
        'closing' AS amount,
        liability.points AS ours,
        0 AS published
    FROM liability
    INNER JOIN last_periods ON last_periods.ledger = 'points'
    UNION ALL
    SELECT
        'liability sheet' AS tie,
        'point_lots' AS table_name,
        rolled.period,
        rolled.kind,
        'closing' AS amount,
        0 AS ours,
        rolled.points AS published
    FROM rolled
    INNER JOIN last_periods
        ON rolled.ledger = last_periods.ledger
        AND rolled.period = last_periods.period
    WHERE rolled.ledger = 'points' AND rolled.amount = 'closing'
    UNION ALL
    SELECT
        'cohorts' AS tie,
        CASE WHEN grown.ledger = 'points' THEN 'point_movements' ELSE 'mileage_movements' END
            AS table_name,
        grown.period,
        grown.kind,
        grown.amount,
        grown.points AS ours,
        0 AS published
    FROM grown
    INNER JOIN reported_periods
        ON grown.ledger = reported_periods.ledger
        AND grown.period = reported_periods.period
    WHERE grown.amount <> 'taken_over'
    UNION ALL
    SELECT
        'cohorts' AS tie,
        CASE WHEN rolled.ledger = 'points' THEN 'point_movements' ELSE 'mileage_movements' END
            AS table_name,
        rolled.period,
        rolled.kind,
        CASE
            WHEN rolled.amount IN ('redeemed', 'given_back') THEN 'used'
            ELSE rolled.amount
        END AS amount,
        0 AS ours,
        CASE WHEN rolled.amount = 'given_back' THEN -rolled.points ELSE rolled.points END
            AS published
    FROM rolled
    WHERE rolled.amount IN ('credited', 'redeemed', 'given_back', 'refunded', 'expired')
    UNION ALL
    SELECT
        'cohorts' AS tie,
        CASE WHEN grown.ledger = 'points' THEN 'point_lots' ELSE 'mileage_lots' END
            AS table_name,
        last_periods.period,
        grown.kind,
        'open' AS amount,
        CASE WHEN grown.amount IN ('taken_over', 'credited') THEN grown.points ELSE -grown.points END
            AS ours,
        0 AS published
    FROM grown
    INNER JOIN last_periods ON grown.ledger = last_periods.ledger
    UNION ALL
    SELECT
        'cohorts' AS tie,
        CASE WHEN rolled.ledger = 'points' THEN 'point_lots' ELSE 'mileage_lots' END
            AS table_name,
        rolled.period,
        rolled.kind,
        'open' AS amount,
        0 AS ours,
        rolled.points AS published
    FROM rolled
    INNER JOIN last_periods
        ON rolled.ledger = last_periods.ledger
        AND rolled.period = last_periods.period
    WHERE rolled.amount = 'closing'
    UNION ALL
    SELECT
        'breakage' AS tie,
        CASE WHEN lapsed.amount = 'open' THEN 'point_lots' ELSE 'point_movements' END
            AS table_name,
        last_periods.period,
        lapsed.kind,
        lapsed.amount,
        lapsed.points AS ours,
        0 AS published
    FROM lapsed
    INNER JOIN last_periods ON last_periods.ledger = 'points'
    UNION ALL
    SELECT
        'breakage' AS tie,
        'point_movements' AS table_name,
        last_periods.period,
        grown.kind,
        CASE WHEN grown.amount = 'taken_over' THEN 'credited' ELSE grown.amount END AS amount,
        0 AS ours,
        grown.points AS published
    FROM grown
    INNER JOIN last_periods ON grown.ledger = last_periods.ledger
    WHERE grown.ledger = 'points'
    UNION ALL
    SELECT
        'breakage' AS tie,
        'point_lots' AS table_name,
        rolled.period,
        rolled.kind,
        'open' AS amount,
        0 AS ours,
        rolled.points AS published
    FROM rolled
    INNER JOIN last_periods
        ON rolled.ledger = last_periods.ledger
        AND rolled.period = last_periods.period
    WHERE rolled.ledger = 'points' AND rolled.amount = 'closing'
    UNION ALL
    SELECT
        'refunds' AS tie,
        'refund_results' AS table_name,
        rolled.period,
        CAST(NULL AS VARCHAR) AS kind,
        'points' AS amount,
        rolled.points AS ours,
        0 AS published
    FROM rolled
    WHERE rolled.ledger = 'points' AND rolled.amount = 'refunded'
    UNION ALL
    SELECT
        'refunds' AS tie,
        'refund_results' AS table_name,
        refunds.period,
        CAST(NULL AS VARCHAR) AS kind,
        'points' AS amount,
        0 AS ours,
        refunds.points AS published
    FROM refunds
    UNION ALL
    SELECT
        'settlement' AS tie,
        'refund_results' AS table_name,
        run_context.last_month AS period,
        CAST(NULL AS VARCHAR) AS kind,
        names.amount,
        CASE
            WHEN names.amount = 'points' THEN settlement.points
            WHEN names.amount = 'fee_krw' THEN settlement.fee_krw
            ELSE settlement.amount_krw
        END AS ours,
        0 AS published
    FROM settlement
    CROSS JOIN run_context
    CROSS JOIN (SELECT UNNEST(['points', 'fee_krw', 'amount_krw']) AS amount) AS names
    UNION ALL
    SELECT
        'settlement' AS tie,
        'refund_results' AS table_name,
        run_context.last_month AS period,
        CAST(NULL AS VARCHAR) AS kind,
        names.amount,
        0 AS ours,
        CASE
            WHEN names.amount = 'points' THEN refunds.points
            WHEN names.amount = 'fee_krw' THEN refunds.fee
            ELSE refunds.amount_krw
        END AS published
    FROM refunds
    CROSS JOIN run_context
    CROSS JOIN (SELECT UNNEST(['points', 'fee_krw', 'amount_krw']) AS amount) AS names
    UNION ALL
    SELECT
        'micropayment bills' AS tie,
        'micropayment_results' AS table_name,
        billed.period,
        CAST(NULL AS VARCHAR) AS kind,
        names.amount,
        CASE
            WHEN names.amount = 'lines' THEN billed.lines
            WHEN names.amount = 'amount_krw' THEN billed.amount_krw
            ELSE billed.platform_fee_krw
        END AS ours,
        0 AS published
    FROM billed
    CROSS JOIN (SELECT UNNEST(['lines', 'amount_krw', 'platform_fee_krw']) AS amount) AS names
    UNION ALL
    SELECT
        'micropayment bills' AS tie,
        'micropayment_results' AS table_name,
        payments.period,
        CAST(NULL AS VARCHAR) AS kind,
        names.amount,
        0 AS ours,
        CASE
            WHEN names.amount = 'lines' THEN 1
            WHEN names.amount = 'amount_krw' THEN payments.amount
            ELSE payments.platform_fee
        END AS published
    FROM payments
    CROSS JOIN (SELECT UNNEST(['lines', 'amount_krw', 'platform_fee_krw']) AS amount) AS names
    UNION ALL
    SELECT
        'collected' AS tie,
        'tier_snapshot' AS table_name,
        CAST(collected.membership_year AS VARCHAR) AS period,
        CAST(NULL AS VARCHAR) AS kind,
        'counting_krw' AS amount,
        collected.counting_krw AS ours,
        collected.assessed_krw + collected.excepted_krw AS published
    FROM collected
),

ties AS (
    SELECT
        sides.tie,
        sides.table_name,
        sides.period,
        sides.kind,
        sides.amount,
        SUM(sides.ours) AS ours,
        SUM(sides.published) AS published
    FROM sides
    GROUP BY sides.tie, sides.table_name, sides.period, sides.kind, sides.amount
    HAVING SUM(sides.ours) <> 0 OR SUM(sides.published) <> 0
)

SELECT
    CAST(ties.tie AS VARCHAR) AS tie,
    CAST(ties.table_name AS VARCHAR) AS table_name,
    CAST(ties.period AS VARCHAR) AS period,
    CAST(ties.kind AS VARCHAR) AS kind,
    CAST(ties.amount AS VARCHAR) AS amount,
    CAST(ties.ours AS BIGINT) AS ours,
    CAST(ties.published AS BIGINT) AS published,
    CAST(ties.ours - ties.published AS BIGINT) AS difference,
    CAST(published_files.run_id AS VARCHAR) AS run_id,
    CAST(published_files.sha256 AS VARCHAR) AS sha256,
    CAST(published_files.stale AS VARCHAR) AS stale
FROM ties
LEFT JOIN published_files
    ON ties.table_name = published_files.table_name
    AND ties.period = published_files.period
ORDER BY tie, table_name, period, kind, amount
