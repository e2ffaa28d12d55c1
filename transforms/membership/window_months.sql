-- purpose: How complete each month of the window is, for the operator and the completeness gate
-- grain: one row per month of the window, delivered or not
-- keys: billing_month
-- inputs: window_months(billing_month),
--   billing_totals(billing_month, product, charge_item, lines, billed_amount, collected_amount),
--   policy_tier_lines(product, charge_item, counts, valid_from, valid_to),
--   policy_tier_completeness(low_month_share, valid_from, valid_to), run_context(assessed_on)
-- policy: tier_lines, tier_completeness
-- rules: T1, T2, T8
WITH counting_pairs AS (
    SELECT policy_tier_lines.product, policy_tier_lines.charge_item
    FROM policy_tier_lines
    CROSS JOIN run_context
    WHERE policy_tier_lines.counts
        AND policy_tier_lines.valid_from <= run_context.assessed_on
        AND (
            policy_tier_lines.valid_to IS NULL
            OR run_context.assessed_on < policy_tier_lines.valid_to
        )
),

low_shares AS (
    SELECT policy_tier_completeness.low_month_share
    FROM policy_tier_completeness
    CROSS JOIN run_context
    WHERE policy_tier_completeness.valid_from <= run_context.assessed_on
        AND (
            policy_tier_completeness.valid_to IS NULL
            OR run_context.assessed_on < policy_tier_completeness.valid_to
        )
),

month_totals AS (
    SELECT
        window_months.billing_month,
        COUNT(billing_totals.lines) > 0 AS delivered,
        COALESCE(SUM(billing_totals.lines), 0) AS lines,
        COALESCE(
            SUM(billing_totals.lines) FILTER (WHERE counting_pairs.product IS NOT NULL), 0
        ) AS counting_lines,
        COALESCE(
            SUM(billing_totals.billed_amount) FILTER (WHERE counting_pairs.product IS NOT NULL), 0
        ) AS billed_amount,
        COALESCE(
            SUM(billing_totals.collected_amount) FILTER (WHERE counting_pairs.product IS NOT NULL),
            0
        ) AS collected_amount
    FROM window_months
    LEFT JOIN billing_totals ON window_months.billing_month = billing_totals.billing_month
    LEFT JOIN counting_pairs
        ON billing_totals.product = counting_pairs.product
        AND billing_totals.charge_item = counting_pairs.charge_item
    GROUP BY window_months.billing_month
),

medians AS (
    SELECT
        MEDIAN(month_totals.counting_lines) AS counting_lines,
        MEDIAN(month_totals.collected_amount) AS collected_amount
    FROM month_totals
    WHERE month_totals.delivered
)

SELECT
    CAST(month_totals.billing_month AS VARCHAR) AS billing_month,
    CAST(month_totals.delivered AS BOOLEAN) AS delivered,
    CAST(month_totals.lines AS BIGINT) AS lines,
    CAST(month_totals.counting_lines AS BIGINT) AS counting_lines,
    CAST(month_totals.billed_amount AS DECIMAL(38, 0)) AS billed_amount,
    CAST(month_totals.collected_amount AS DECIMAL(38, 0)) AS collected_amount,
    CAST(
        CASE
            WHEN month_totals.billed_amount > 0
                THEN TRUNC(
                    CAST(
                        (month_totals.billed_amount - month_totals.collected_amount) * 100
                        AS DOUBLE
                    ) / CAST(month_totals.billed_amount AS DOUBLE)
                )
            ELSE 0
        END AS BIGINT
    ) AS uncollected_percent,
    CAST(
        month_totals.delivered
        AND (
            month_totals.counting_lines * 100
            < medians.counting_lines * low_shares.low_month_share
            OR month_totals.collected_amount * 100
            < medians.collected_amount * low_shares.low_month_share
        ) AS BOOLEAN
    ) AS low
FROM month_totals
CROSS JOIN medians
CROSS JOIN low_shares
ORDER BY billing_month
