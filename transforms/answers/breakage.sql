-- purpose: How much of what was credited in a year lapsed, what is expected to lapse of what is open,
--   and what was expected a year ago of what has lapsed since
-- grain: one row per kind of lots and calendar year of credit
-- keys: kind, credited_year
-- inputs: cohorts(ledger, credited_month, kind, period, expires_month, taken_over, credited, used,
--   refunded, expired), run_context(last_day, last_period, year_ago_period),
--   policy_breakage_method(kind, method, least_cohorts, most_cohorts, floor, valid_from, valid_to),
--   policy_point_value(kind, use, won, per_points, valid_from, valid_to)
-- policy: breakage_method, point_value
-- rules: B3, B4
WITH moments AS (
    SELECT 'now' AS as_of, run_context.last_period AS until
    FROM run_context
    UNION ALL
    SELECT 'year_ago' AS as_of, run_context.year_ago_period AS until
    FROM run_context
),

methods AS (
    SELECT
        policy_breakage_method.kind,
        policy_breakage_method.method,
        policy_breakage_method.least_cohorts,
        policy_breakage_method.most_cohorts,
        COALESCE(policy_breakage_method.floor, 0) AS floor
    FROM policy_breakage_method
    CROSS JOIN run_context
    WHERE policy_breakage_method.valid_from <= run_context.last_day
        AND (
            policy_breakage_method.valid_to IS NULL
            OR run_context.last_day < policy_breakage_method.valid_to
        )
),

-- what a year ago had been credited by then, and what has lapsed of it since
stands AS (
    SELECT
        moments.as_of,
        moments.until,
        cohorts.kind,
        YEAR(CAST(STRPTIME(cohorts.credited_month, '%Y-%m') AS DATE)) AS credited_year,
        MAX(CASE WHEN cohorts.period <= moments.until THEN cohorts.expires_month END)
            AS expires_month,
        SUM(cohorts.taken_over) AS taken_over,
        SUM(
            CASE
                WHEN cohorts.period <= moments.until THEN cohorts.taken_over + cohorts.credited
                ELSE 0
            END
        ) AS credited,
        SUM(CASE WHEN cohorts.period <= moments.until THEN cohorts.used ELSE 0 END) AS used,
        SUM(CASE WHEN cohorts.period <= moments.until THEN cohorts.refunded ELSE 0 END)
            AS refunded,
        SUM(CASE WHEN cohorts.period <= moments.until THEN cohorts.expired ELSE 0 END) AS expired,
        SUM(CASE WHEN cohorts.period > moments.until THEN cohorts.expired ELSE 0 END)
            AS expired_since
    FROM cohorts
    CROSS JOIN moments
    WHERE cohorts.ledger = 'points'
        AND cohorts.credited_month <= moments.until
    GROUP BY
        moments.as_of,
        moments.until,
        cohorts.kind,
        YEAR(CAST(STRPTIME(cohorts.credited_month, '%Y-%m') AS DATE))
),

standing AS (
    SELECT
        stands.*,
        stands.credited - stands.used - stands.refunded - stands.expired AS open,
        stands.expires_month <= stands.until
        AND stands.credited_year * 12 + 12 <= YEAR(run_context.last_day) * 12
        + MONTH(run_context.last_day)
        - CASE WHEN stands.as_of = 'year_ago' THEN 12 ELSE 0 END
        AND stands.credited = stands.used + stands.refunded + stands.expired AS closed
    FROM stands
    CROSS JOIN run_context
),

latest AS (
    SELECT
        standing.as_of,
        standing.kind,
        standing.credited,
        standing.expired,
        ROW_NUMBER() OVER (
            PARTITION BY standing.as_of, standing.kind ORDER BY standing.credited_year DESC
        ) AS place
    FROM standing
    -- of lots of an older system nobody knows what was used before
    WHERE standing.closed AND standing.credited > 0 AND standing.taken_over = 0
),

rates AS (
    SELECT
        latest.as_of,
        latest.kind,
        COUNT(*) AS cohorts,
        SUM(latest.credited) AS credited,
        SUM(latest.expired) AS expired,
        MIN((latest.expired * 100 * 100 * 2 + latest.credited) // (latest.credited * 2))
            AS lowest_bp,
        MAX((latest.expired * 100 * 100 * 2 + latest.credited) // (latest.credited * 2))
            AS highest_bp
    FROM latest
    INNER JOIN methods ON latest.kind = methods.kind
    WHERE latest.place <= methods.most_cohorts
    GROUP BY latest.as_of, latest.kind, methods.least_cohorts
    HAVING COUNT(*) >= methods.least_cohorts
),

expected AS (
    SELECT
        standing.*,
        methods.method,
        rates.cohorts,
        (rates.expired * 100 * 100 * 2 + rates.credited) // (rates.credited * 2) AS rate_bp,
        rates.lowest_bp,
        rates.highest_bp,
        CASE
            WHEN methods.method = 'remote' THEN standing.expired
            WHEN rates.cohorts IS NULL THEN NULL
            WHEN rates.expired * 100 < rates.credited * methods.floor THEN standing.expired
            WHEN methods.method = 'proportional'
                THEN GREATEST(
                    LEAST(
                        standing.credited * rates.expired // rates.credited,
                        standing.expired + standing.open
                    ),
                    standing.expired
                )
        END AS lapsing
    FROM standing
    LEFT JOIN methods ON standing.kind = methods.kind
    LEFT JOIN rates ON standing.kind = rates.kind AND standing.as_of = rates.as_of
),

estimated AS (
    SELECT
        expected.*,
        CASE WHEN NOT expected.closed AND expected.method IS NOT NULL
            THEN expected.lapsing - expected.expired
        END AS estimate,
        CASE
            WHEN expected.closed OR expected.method IS NULL OR expected.lapsing IS NULL THEN NULL
            WHEN expected.lapsing = expected.expired OR expected.credited <= expected.lapsing
                THEN expected.expired
            ELSE GREATEST(
                expected.expired,
                LEAST(
                    expected.lapsing,
                    expected.lapsing * (expected.used + expected.refunded)
                    // (expected.credited - expected.lapsing)
                )
            )
        END AS earned
    FROM expected
),

worth AS (
    SELECT
        policy_point_value.kind,
        policy_point_value.won,
        policy_point_value.per_points
    FROM policy_point_value
    CROSS JOIN run_context
    WHERE policy_point_value.use = 'redemption'
        AND policy_point_value.won IS NOT NULL
        AND policy_point_value.valid_from <= run_context.last_day
        AND (
            policy_point_value.valid_to IS NULL
            OR run_context.last_day < policy_point_value.valid_to
        )
)

SELECT
    CAST(estimated.kind AS VARCHAR) AS kind,
    CAST(estimated.credited_year AS BIGINT) AS credited_year,
    CAST(estimated.credited AS BIGINT) AS credited,
    CAST(estimated.used AS BIGINT) AS used,
    CAST(estimated.refunded AS BIGINT) AS refunded,
    CAST(estimated.expired AS BIGINT) AS expired,
    CAST(estimated.open AS BIGINT) AS open,
    CAST(estimated.closed AS BOOLEAN) AS closed,
    CAST(
        CASE
            WHEN estimated.closed AND estimated.credited > 0
                THEN (estimated.expired * 100 * 100 * 2 + estimated.credited)
                // (estimated.credited * 2)
        END
        AS BIGINT
    ) AS observed_bp,
    CAST(estimated.cohorts AS BIGINT) AS cohorts,
    CAST(estimated.rate_bp AS BIGINT) AS rate_bp,
    CAST(estimated.lowest_bp AS BIGINT) AS lowest_bp,
    CAST(estimated.highest_bp AS BIGINT) AS highest_bp,
    CAST(estimated.method AS VARCHAR) AS method,
    CAST(estimated.estimate AS BIGINT) AS estimate,
    CAST(estimated.earned AS BIGINT) AS earned,
    CAST(
        estimated.estimate // worth.per_points * worth.won
        + estimated.estimate % worth.per_points * worth.won // worth.per_points
        AS BIGINT
    ) AS estimate_krw,
    CAST(CASE WHEN estimated.closed THEN before.estimate END AS BIGINT) AS year_ago_estimate,
    CAST(
        CASE
            WHEN estimated.closed AND NOT before.closed THEN before.expired_since
        END
        AS BIGINT
    ) AS year_ago_came,
    CAST(
        CASE WHEN estimated.closed THEN before.estimate - before.expired_since END AS BIGINT
    ) AS year_ago_difference,
    CAST(CASE WHEN worth.won IS NULL THEN 'redemption' END AS VARCHAR) AS no_won_for
FROM estimated
LEFT JOIN estimated AS before
    ON estimated.kind = before.kind
    AND estimated.credited_year = before.credited_year
    AND before.as_of = 'year_ago'
LEFT JOIN worth ON estimated.kind = worth.kind
WHERE estimated.as_of = 'now'
ORDER BY kind, credited_year
