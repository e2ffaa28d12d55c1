-- purpose: What points and miles came to in each period, and how, from opening to closing
-- grain: one row per ledger, period and kind of lots that had any
-- keys: ledger, period, kind
-- inputs: finance_lots(ledger, period, kind, amount),
--   finance_movements(ledger, period, kind, movement, cause, amount),
--   reported_periods(ledger, period, opens_from, last_day, ends_year),
--   restatements(table_name, row_key, column_name, value_before, value_after),
--   policy_point_value(kind, use, won, per_points, valid_from, valid_to)
-- policy: point_value
-- rules: B2, B3, P11, Q4
WITH restated AS (
    SELECT
        CASE WHEN restatements.table_name = 'point_liability' THEN 'points' ELSE 'miles' END
            AS ledger,
        COALESCE(
            JSON_EXTRACT_STRING(restatements.row_key, '$.period'),
            JSON_EXTRACT_STRING(restatements.row_key, '$.month')
        ) AS period,
        COALESCE(JSON_EXTRACT_STRING(restatements.row_key, '$.kind'), 'flight') AS kind,
        COALESCE(CAST(restatements.value_after AS BIGINT), 0)
        - COALESCE(CAST(restatements.value_before AS BIGINT), 0) AS amount
    FROM restatements
    WHERE (restatements.table_name = 'point_liability' AND restatements.column_name = 'points')
        OR (restatements.table_name = 'mileage_balances' AND restatements.column_name = 'closing')
),

amounts AS (
    SELECT
        reported_periods.ledger,
        reported_periods.period,
        finance_lots.kind,
        'opening' AS movement,
        CAST(NULL AS VARCHAR) AS cause,
        finance_lots.amount
    FROM finance_lots
    INNER JOIN reported_periods
        ON finance_lots.ledger = reported_periods.ledger
        AND finance_lots.period = reported_periods.opens_from
    UNION ALL
    SELECT
        finance_lots.ledger,
        finance_lots.period,
        finance_lots.kind,
        'closing' AS movement,
        CAST(NULL AS VARCHAR) AS cause,
        finance_lots.amount
    FROM finance_lots
    UNION ALL
    SELECT
        finance_movements.ledger,
        finance_movements.period,
        finance_movements.kind,
        finance_movements.movement,
        finance_movements.cause,
        finance_movements.amount
    FROM finance_movements
    UNION ALL
    SELECT
        restated.ledger,
        restated.period,
        restated.kind,
        'restated' AS movement,
        CAST(NULL AS VARCHAR) AS cause,
        restated.amount
    FROM restated
),

summed AS (
    SELECT
        reported_periods.ledger,
        reported_periods.period,
        reported_periods.last_day,
        reported_periods.ends_year,
        amounts.kind,
        SUM(CASE WHEN amounts.movement = 'opening' THEN amounts.amount ELSE 0 END) AS opening,
        SUM(CASE WHEN amounts.movement = 'credit' THEN amounts.amount ELSE 0 END) AS credited,
        -SUM(
            CASE
                WHEN amounts.movement IN ('redemption', 'award', 'mixed_payment')
                    THEN amounts.amount
                ELSE 0
            END
        ) AS redeemed,
        SUM(CASE WHEN amounts.movement = 'cancellation' THEN amounts.amount ELSE 0 END)
            AS given_back,
        -SUM(CASE WHEN amounts.movement = 'refund' THEN amounts.amount ELSE 0 END) AS refunded,
        -SUM(
            CASE
                WHEN amounts.movement = 'expiry'
                    AND COALESCE(amounts.cause, 'validity') = 'validity'
                    THEN amounts.amount
                ELSE 0
            END
        ) AS expired_validity,
        -SUM(
            CASE
                WHEN amounts.movement = 'expiry' AND amounts.cause = 'inactivity'
                    THEN amounts.amount
                ELSE 0
            END
        ) AS expired_inactivity,
        -SUM(
            CASE
                WHEN amounts.movement = 'expiry' AND amounts.cause = 'policy_change'
                    THEN amounts.amount
                ELSE 0
            END
        ) AS expired_policy_change,
        SUM(
            CASE
                WHEN amounts.movement = 'change' THEN GREATEST(amounts.amount, 0)
                ELSE 0
            END
        ) AS changed,
        SUM(CASE WHEN amounts.movement = 'restated' THEN amounts.amount ELSE 0 END) AS restated,
        SUM(CASE WHEN amounts.movement = 'closing' THEN amounts.amount ELSE 0 END) AS closing,
        SUM(
            CASE
                WHEN amounts.movement = 'closing' THEN -amounts.amount
                WHEN amounts.movement = 'restated' THEN 0
                ELSE amounts.amount
            END
        ) AS difference
    FROM amounts
    INNER JOIN reported_periods
        ON amounts.ledger = reported_periods.ledger
        AND amounts.period = reported_periods.period
    GROUP BY
        reported_periods.ledger,
        reported_periods.period,
        reported_periods.last_day,
        reported_periods.ends_year,
        amounts.kind
),

worth AS (
    SELECT
        policy_point_value.kind,
        policy_point_value.use,
        policy_point_value.won,
        policy_point_value.per_points,
        policy_point_value.valid_from,
        policy_point_value.valid_to
    FROM policy_point_value
    WHERE policy_point_value.won IS NOT NULL
)

SELECT
    CAST(summed.ledger AS VARCHAR) AS ledger,
    CAST(summed.period AS VARCHAR) AS period,
    CAST(summed.kind AS VARCHAR) AS kind,
    CAST(summed.opening AS BIGINT) AS opening,
    CAST(summed.credited AS BIGINT) AS credited,
    CAST(summed.redeemed AS BIGINT) AS redeemed,
    CAST(summed.given_back AS BIGINT) AS given_back,
    CAST(summed.refunded AS BIGINT) AS refunded,
    CAST(summed.expired_validity AS BIGINT) AS expired_validity,
    CAST(summed.expired_inactivity AS BIGINT) AS expired_inactivity,
    CAST(summed.expired_policy_change AS BIGINT) AS expired_policy_change,
    CAST(summed.closing AS BIGINT) AS closing,
    CAST(summed.difference AS BIGINT) AS difference,
    CAST(CASE WHEN summed.ends_year THEN summed.changed ELSE 0 END AS BIGINT) AS extended,
    CAST(CASE WHEN summed.ends_year THEN 0 ELSE summed.changed END AS BIGINT) AS shortened,
    CAST(summed.restated AS BIGINT) AS restated,
    CAST(
        summed.redeemed // of_use.per_points * of_use.won
        + summed.redeemed % of_use.per_points * of_use.won // of_use.per_points
        AS BIGINT
    ) AS redeemed_krw,
    CAST(
        summed.refunded // of_refund.per_points * of_refund.won
        + summed.refunded % of_refund.per_points * of_refund.won // of_refund.per_points
        AS BIGINT
    ) AS refunded_krw,
    CAST(
        CASE
            WHEN of_use.won IS NULL AND of_refund.won IS NULL AND summed.ledger = 'points'
                THEN 'redemption, refund'
            WHEN of_use.won IS NULL THEN 'redemption'
            WHEN of_refund.won IS NULL THEN 'refund'
        END
        AS VARCHAR
    ) AS no_won_for
FROM summed
LEFT JOIN worth AS of_use
    ON summed.kind = of_use.kind
    AND of_use.use = 'redemption'
    AND of_use.valid_from <= summed.last_day
    AND (of_use.valid_to IS NULL OR summed.last_day < of_use.valid_to)
LEFT JOIN worth AS of_refund
    ON summed.kind = of_refund.kind
    AND of_refund.use = 'refund'
    AND of_refund.valid_from <= summed.last_day
    AND (of_refund.valid_to IS NULL OR summed.last_day < of_refund.valid_to)
ORDER BY ledger, period, kind
