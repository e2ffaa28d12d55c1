-- purpose: What each month's credit for paid bills comes from: the counting lines collected in it
-- grain: one row per month with such a credit
-- keys: month
-- inputs: replayed_billing(replayed_period, billing_month, product, charge_item, collected_on,
--   collected_amount), replayed_billing_late_collections(replayed_period, billing_month, product,
--   charge_item, collected_on, collected_amount), replayed_run_context(month, last_day, first_day),
--   policy_tier_lines(product, charge_item, counts, valid_from, valid_to), points_entries(points,
--   lot_id, period, kind), policy_point_payment_credits(points, per_amount, valid_from, valid_to)
-- policy: tier_lines, point_payment_credits
-- rules: P1
WITH bills AS (
    SELECT
        replayed_billing.replayed_period,
        replayed_billing.billing_month,
        replayed_billing.product,
        replayed_billing.charge_item,
        replayed_billing.collected_on,
        replayed_billing.collected_amount
    FROM replayed_billing
    UNION ALL
    SELECT
        replayed_billing_late_collections.replayed_period,
        replayed_billing_late_collections.billing_month,
        replayed_billing_late_collections.product,
        replayed_billing_late_collections.charge_item,
        replayed_billing_late_collections.collected_on,
        replayed_billing_late_collections.collected_amount
    FROM replayed_billing_late_collections
),

collected AS (
    SELECT
        replayed_run_context.month,
        replayed_run_context.last_day,
        MIN(bills.billing_month) AS first_bill,
        MAX(bills.billing_month) AS last_bill,
        COUNT(*) AS lines,
        SUM(bills.collected_amount) AS amount
    FROM bills
    INNER JOIN replayed_run_context
        ON bills.replayed_period = replayed_run_context.month
        AND bills.collected_on BETWEEN replayed_run_context.first_day
        AND replayed_run_context.last_day
    INNER JOIN policy_tier_lines
        ON bills.product = policy_tier_lines.product
        AND bills.charge_item = policy_tier_lines.charge_item
        AND policy_tier_lines.counts
        AND policy_tier_lines.valid_from <= replayed_run_context.last_day
        AND (
            policy_tier_lines.valid_to IS NULL
            OR replayed_run_context.last_day < policy_tier_lines.valid_to
        )
    WHERE bills.collected_amount <> 0
    GROUP BY replayed_run_context.month, replayed_run_context.last_day
)

SELECT
    CAST(points_entries.points AS BIGINT) AS outcome,
    CAST(points_entries.lot_id AS VARCHAR) AS lot_id,
    CAST(collected.month AS VARCHAR) AS month,
    CAST(collected.first_bill AS VARCHAR) AS first_bill,
    CAST(collected.last_bill AS VARCHAR) AS last_bill,
    CAST(collected.lines AS BIGINT) AS lines,
    CAST(collected.amount AS BIGINT) AS collected_amount,
    CAST(policy_point_payment_credits.points AS BIGINT) AS rate_points,
    CAST(policy_point_payment_credits.per_amount AS BIGINT) AS per_amount,
    CAST(collected.last_day AS DATE) AS credited_on
FROM collected
INNER JOIN points_entries
    ON collected.month = points_entries.period
    AND points_entries.kind = 'payment'
INNER JOIN policy_point_payment_credits
    ON policy_point_payment_credits.valid_from <= collected.last_day
    AND (
        policy_point_payment_credits.valid_to IS NULL
        OR collected.last_day < policy_point_payment_credits.valid_to
    )
ORDER BY month
