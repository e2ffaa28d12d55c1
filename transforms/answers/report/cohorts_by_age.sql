-- purpose: Which share of the points that were credited is used, lapsed and left, by age
-- grain: one row per kind of lots and month of age, up to that of its oldest cohort
-- keys: kind, age_months
-- inputs: point_movements(period, lot_kind, credited_month, movement, points),
--   run_context(last_month, last_period)
-- policy: none
-- rules: B4, P11
WITH counted AS (
    SELECT
        point_movements.lot_kind AS kind,
        CAST(LEFT(point_movements.credited_month, 2 * 2) AS BIGINT) * 12
        + CAST(RIGHT(point_movements.credited_month, 2) AS BIGINT) AS credited_in,
        CAST(LEFT(point_movements.period, 2 * 2) AS BIGINT) * 12
        + CAST(REPLACE(RIGHT(point_movements.period, 2), 'YE', '12') AS BIGINT) AS moved_in,
        CAST(LEFT(run_context.last_month, 2 * 2) AS BIGINT) * 12
        + CAST(RIGHT(run_context.last_month, 2) AS BIGINT) AS ends_in,
        point_movements.movement,
        point_movements.points
    FROM point_movements
    CROSS JOIN run_context
    WHERE point_movements.period <= run_context.last_period
),

cohorts_of_kind AS (
    SELECT
        counted.kind,
        counted.credited_in,
        counted.ends_in,
        SUM(counted.points) AS credited
    FROM counted
    WHERE counted.movement = 'credit'
    GROUP BY counted.kind, counted.credited_in, counted.ends_in
),

moved AS (
    SELECT
        counted.kind,
        counted.credited_in,
        counted.moved_in - counted.credited_in AS age,
        -SUM(
            CASE
                WHEN counted.movement IN ('redemption', 'cancellation', 'refund')
                    THEN counted.points
                ELSE 0
            END
        ) AS used_or_refunded,
        -SUM(CASE WHEN counted.movement = 'expiry' THEN counted.points ELSE 0 END) AS expired
    FROM counted
    INNER JOIN cohorts_of_kind
        ON counted.kind = cohorts_of_kind.kind
        AND counted.credited_in = cohorts_of_kind.credited_in
    WHERE counted.movement <> 'credit'
    GROUP BY counted.kind, counted.credited_in, counted.moved_in - counted.credited_in
),

oldest AS (
    SELECT
        cohorts_of_kind.kind,
        MAX(cohorts_of_kind.ends_in - cohorts_of_kind.credited_in) AS age
    FROM cohorts_of_kind
    GROUP BY cohorts_of_kind.kind
),

ages AS (
    SELECT
        oldest.kind,
        UNNEST(GENERATE_SERIES(0, oldest.age)) AS age
    FROM oldest
),

-- of each age only the cohorts that have reached it, with what moved up to it
reached AS (
    SELECT
        ages.kind,
        ages.age,
        SUM(cohorts_of_kind.credited) AS credited
    FROM ages
    INNER JOIN cohorts_of_kind
        ON ages.kind = cohorts_of_kind.kind
        AND ages.age <= cohorts_of_kind.ends_in - cohorts_of_kind.credited_in
    GROUP BY ages.kind, ages.age
),

gone AS (
    SELECT
        ages.kind,
        ages.age,
        SUM(moved.used_or_refunded) AS used_or_refunded,
        SUM(moved.expired) AS expired
    FROM ages
    INNER JOIN cohorts_of_kind
        ON ages.kind = cohorts_of_kind.kind
        AND ages.age <= cohorts_of_kind.ends_in - cohorts_of_kind.credited_in
    INNER JOIN moved
        ON cohorts_of_kind.kind = moved.kind
        AND cohorts_of_kind.credited_in = moved.credited_in
        AND moved.age <= ages.age
    GROUP BY ages.kind, ages.age
)

SELECT
    CAST(reached.kind AS VARCHAR) AS kind,
    CAST(reached.age AS BIGINT) AS age_months,
    CAST(reached.credited AS BIGINT) AS credited,
    CAST(COALESCE(gone.used_or_refunded, 0) AS BIGINT) AS used_or_refunded,
    CAST(COALESCE(gone.expired, 0) AS BIGINT) AS expired,
    CAST(
        COALESCE(gone.used_or_refunded, 0) * 100 * 100 // reached.credited AS BIGINT
    ) AS used_or_refunded_bp,
    CAST(COALESCE(gone.expired, 0) * 100 * 100 // reached.credited AS BIGINT) AS expired_bp,
    CAST(
        (reached.credited - COALESCE(gone.used_or_refunded, 0) - COALESCE(gone.expired, 0))
        * 100 * 100 // reached.credited
        AS BIGINT
    ) AS left_bp
FROM reached
LEFT JOIN gone ON reached.kind = gone.kind AND reached.age = gone.age
WHERE reached.credited > 0
ORDER BY kind, age_months
