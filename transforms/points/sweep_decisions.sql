-- purpose: What the year-end sweep does to each lot, and why
-- grain: one row per lot left by the month before the sweep
-- keys: lot_id
-- inputs: opening_lots(lot_id, customer_id, kind, credited_on, expires_on, refundable, credited,
--   remaining, shortened_from),
--   customers_spans(customer_id, joined_on, terminated_on, counts_from, counts_until),
--   active_customers(customer_id),
--   policy_point_extension(usable_days, years_after, expiry_month, expiry_day, valid_from,
--   valid_to), run_context(swept_on, active_from, spared_from)
-- policy: point_extension
-- rules: P8, P9, R1
-- kept: table
WITH extension AS (
    SELECT
        policy_point_extension.usable_days,
        MAKE_DATE(
            YEAR(run_context.swept_on) + policy_point_extension.years_after,
            policy_point_extension.expiry_month,
            -- 29 February is the 28th where a year has none
            LEAST(
                policy_point_extension.expiry_day,
                DAY(
                    LAST_DAY(
                        MAKE_DATE(
                            YEAR(run_context.swept_on) + policy_point_extension.years_after,
                            policy_point_extension.expiry_month,
                            1
                        )
                    )
                )
            )
        ) AS extended_to
    FROM policy_point_extension
    CROSS JOIN run_context
    WHERE policy_point_extension.valid_from <= run_context.swept_on
        AND (
            policy_point_extension.valid_to IS NULL
            OR run_context.swept_on < policy_point_extension.valid_to
        )
),

lots AS (
    SELECT
        opening_lots.lot_id,
        opening_lots.customer_id,
        opening_lots.kind,
        opening_lots.credited_on,
        opening_lots.expires_on,
        opening_lots.refundable,
        opening_lots.credited,
        opening_lots.remaining,
        opening_lots.shortened_from,
        extension.extended_to,
        opening_lots.expires_on <= run_context.swept_on AS lapsed,
        opening_lots.expires_on = run_context.swept_on
        AND date_diff('day', opening_lots.credited_on, opening_lots.expires_on)
        < extension.usable_days
        AND (
            customers_spans.terminated_on IS NULL
            OR customers_spans.terminated_on > run_context.swept_on
        ) AS too_new,
        customers_spans.joined_on < run_context.active_from
        AND opening_lots.credited_on < run_context.spared_from
        AND active_customers.customer_id IS NULL AS inactive
    FROM opening_lots
    CROSS JOIN run_context
    INNER JOIN customers_spans
        ON opening_lots.customer_id = customers_spans.customer_id
        AND (
            customers_spans.counts_from IS NULL
            OR customers_spans.counts_from <= run_context.swept_on
        )
        AND (
            customers_spans.counts_until IS NULL
            OR run_context.swept_on < customers_spans.counts_until
        )
    LEFT JOIN active_customers ON opening_lots.customer_id = active_customers.customer_id
    CROSS JOIN extension
)

SELECT
    CAST(lots.lot_id AS VARCHAR) AS lot_id,
    CAST(lots.customer_id AS VARCHAR) AS customer_id,
    CAST(lots.kind AS VARCHAR) AS kind,
    CAST(lots.credited_on AS DATE) AS credited_on,
    CAST(lots.expires_on AS DATE) AS expires_on,
    CAST(lots.refundable AS BOOLEAN) AS refundable,
    CAST(lots.credited AS BIGINT) AS credited,
    CAST(lots.remaining AS BIGINT) AS remaining,
    CAST(lots.shortened_from AS DATE) AS shortened_from,
    CAST(lots.extended_to AS DATE) AS extended_to,
    CAST(
        CASE
            WHEN lots.too_new THEN 'extension'
            WHEN lots.lapsed OR lots.inactive THEN 'expiry'
        END
        AS VARCHAR
    ) AS decision,
    CAST(
        CASE
            WHEN lots.too_new THEN NULL
            WHEN lots.lapsed AND lots.expires_on < lots.shortened_from THEN 'policy_change'
            WHEN lots.lapsed THEN 'validity'
            WHEN lots.inactive THEN 'inactivity'
        END
        AS VARCHAR
    ) AS cause
FROM lots
