-- purpose: What the window's counting lines came to is in tier_snapshot or in tier_exceptions (T7)
-- grain: one row with both sums where they differ; none where the claim holds
-- keys: none
-- inputs: tier_snapshot(annual_fee), tier_exceptions(amount),
--   billing_totals(billing_month, product, charge_item, collected_amount),
--   policy_tier_lines(product, charge_item, counts, valid_from, valid_to),
--   run_context(assessed_on, window_from, window_to)
-- policy: tier_lines
-- rules: T7
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

eligible AS (
    SELECT COALESCE(SUM(billing_totals.collected_amount), 0) AS amount
    FROM billing_totals
    INNER JOIN counting_pairs
        ON billing_totals.product = counting_pairs.product
        AND billing_totals.charge_item = counting_pairs.charge_item
    CROSS JOIN run_context
    WHERE billing_totals.billing_month >= run_context.window_from
        AND billing_totals.billing_month <= run_context.window_to
),

assessed AS (
    SELECT COALESCE(SUM(tier_snapshot.annual_fee), 0) AS amount
    FROM tier_snapshot
),

excepted AS (
    SELECT COALESCE(SUM(tier_exceptions.amount), 0) AS amount
    FROM tier_exceptions
)

SELECT
    CAST(eligible.amount AS DECIMAL(38, 0)) AS eligible_collected,
    CAST(assessed.amount AS DECIMAL(38, 0)) AS assessed_collected,
    CAST(excepted.amount AS DECIMAL(38, 0)) AS excepted_collected
FROM eligible
CROSS JOIN assessed
CROSS JOIN excepted
WHERE eligible.amount <> assessed.amount + excepted.amount
