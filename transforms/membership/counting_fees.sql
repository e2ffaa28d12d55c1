-- purpose: What each customer paid in the window on the lines that count; the only scan of billing
-- grain: one row per customer with a counting line in the window, known or not
-- keys: customer_id
-- inputs: billing(customer_id, product, charge_item, billing_month, collected_amount),
--   policy_tier_lines(product, charge_item, counts, valid_from, valid_to),
--   run_context(assessed_on, window_from, window_to)
-- policy: tier_lines
-- rules: T1, T2, T3
-- kept: table
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

counting_lines AS (
    SELECT billing.customer_id, billing.product, billing.collected_amount
    FROM billing
    INNER JOIN counting_pairs
        ON billing.product = counting_pairs.product
        AND billing.charge_item = counting_pairs.charge_item
    WHERE billing.billing_month >= (SELECT run_context.window_from FROM run_context)
        AND billing.billing_month <= (SELECT run_context.window_to FROM run_context)
),

fees AS (
    SELECT
        customer_id,
        SUM(collected_amount) FILTER (WHERE product = 'mobile') AS mobile_fee,
        SUM(collected_amount) FILTER (WHERE product = 'internet') AS internet_fee,
        SUM(collected_amount) FILTER (WHERE product = 'iptv') AS iptv_fee,
        SUM(collected_amount) FILTER (WHERE product = 'wibro') AS wibro_fee,
        SUM(collected_amount) FILTER (WHERE product = 'voip') AS voip_fee,
        SUM(collected_amount) FILTER (WHERE product = 'landline') AS landline_fee,
        SUM(collected_amount) AS annual_fee,
        COUNT(*) AS lines
    FROM counting_lines
    GROUP BY customer_id
)

SELECT
    CAST(fees.customer_id AS VARCHAR) AS customer_id,
    CAST(COALESCE(fees.mobile_fee, 0) AS BIGINT) AS mobile_fee,
    CAST(COALESCE(fees.internet_fee, 0) AS BIGINT) AS internet_fee,
    CAST(COALESCE(fees.iptv_fee, 0) AS BIGINT) AS iptv_fee,
    CAST(COALESCE(fees.wibro_fee, 0) AS BIGINT) AS wibro_fee,
    CAST(COALESCE(fees.voip_fee, 0) AS BIGINT) AS voip_fee,
    CAST(COALESCE(fees.landline_fee, 0) AS BIGINT) AS landline_fee,
    CAST(fees.annual_fee AS BIGINT) AS annual_fee,
    CAST(fees.lines AS BIGINT) AS lines
FROM fees
