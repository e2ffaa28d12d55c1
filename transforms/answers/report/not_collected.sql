-- purpose: What was billed in each month, and which share of it was never collected
-- grain: one row per billing month
-- keys: billing_month
-- inputs: billing_totals(billing_month, lines, billed_amount, collected_amount),
--   run_context(last_month)
-- policy: none
-- rules: T8
WITH totals AS (
    SELECT
        billing_totals.billing_month,
        SUM(billing_totals.lines) AS lines,
        SUM(billing_totals.billed_amount) AS billed,
        SUM(billing_totals.collected_amount) AS collected
    FROM billing_totals
    CROSS JOIN run_context
    WHERE billing_totals.billing_month <= run_context.last_month
    GROUP BY billing_totals.billing_month
)

SELECT
    CAST(totals.billing_month AS VARCHAR) AS billing_month,
    CAST(totals.lines AS BIGINT) AS lines,
    CAST(totals.billed AS BIGINT) AS billed,
    CAST(totals.collected AS BIGINT) AS collected,
    CAST(
        CASE
            WHEN totals.billed > 0
                THEN CAST(totals.billed - totals.collected AS BIGINT) * 100 * 100
                    // CAST(totals.billed AS BIGINT)
            ELSE 0
        END
        AS BIGINT
    ) AS not_collected_bp
FROM totals
ORDER BY billing_month DESC
