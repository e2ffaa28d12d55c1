-- purpose: How much of what the window billed is collected, and whether that is too little to trust
-- grain: one row
-- keys: none
-- inputs: billing_totals(product, charge_item, billed_amount, collected_amount),
--   policy_tier_lines(product, charge_item, counts, valid_from, valid_to),
--   policy_tier_completeness(uncollected_share, valid_from, valid_to), run_context(assessed_on)
-- policy: tier_lines, tier_completeness
-- rules: T2, T8
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

totals AS (
    SELECT
        COALESCE(
            SUM(billing_totals.billed_amount) FILTER (WHERE counting_pairs.product IS NOT NULL), 0
        ) AS billed_amount,
        COALESCE(
            SUM(billing_totals.collected_amount) FILTER (WHERE counting_pairs.product IS NOT NULL),
            0
        ) AS collected_amount,
        COALESCE(SUM(billing_totals.billed_amount), 0) AS billed_in_all,
        COALESCE(SUM(billing_totals.collected_amount), 0) AS collected_in_all
    FROM billing_totals
    LEFT JOIN counting_pairs
        ON billing_totals.product = counting_pairs.product
        AND billing_totals.charge_item = counting_pairs.charge_item
)

SELECT
    CAST(totals.billed_amount AS DECIMAL(38, 0)) AS billed_amount,
    CAST(totals.collected_amount AS DECIMAL(38, 0)) AS collected_amount,
    CAST(totals.billed_in_all AS DECIMAL(38, 0)) AS billed_in_all,
    CAST(totals.collected_in_all AS DECIMAL(38, 0)) AS collected_in_all,
    CAST(
        CASE
            WHEN totals.billed_amount > 0
                THEN TRUNC(
                    CAST((totals.billed_amount - totals.collected_amount) * 100 AS DOUBLE)
                    / CAST(totals.billed_amount AS DOUBLE)
                )
            ELSE 0
        END AS BIGINT
    ) AS uncollected_percent,
    CAST(
        (totals.billed_amount - totals.collected_amount) * 100
        > totals.billed_amount * policy_tier_completeness.uncollected_share AS BOOLEAN
    ) AS much_uncollected
FROM totals
CROSS JOIN policy_tier_completeness
CROSS JOIN run_context
WHERE policy_tier_completeness.valid_from <= run_context.assessed_on
    AND (
        policy_tier_completeness.valid_to IS NULL
        OR run_context.assessed_on < policy_tier_completeness.valid_to
    )
ORDER BY billed_amount
