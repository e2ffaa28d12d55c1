-- purpose: The membership tier of every customer for a year, and how it came about
-- grain: one row per customer who had joined and not left on the assessment date
-- keys: customer_id
-- inputs: counting_fees(customer_id, mobile_fee, internet_fee, iptv_fee, wibro_fee, voip_fee,
--   landline_fee, annual_fee),
--   customers_spans(customer_id, joined_on, terminated_on, counts_from, counts_until),
--   policy_tier_thresholds(tier, from_fee, valid_from, valid_to),
--   policy_tier_upgrade(from_tier, to_tier, tenure_years, valid_from, valid_to),
--   run_context(assessed_on, policies)
-- policy: tier_thresholds, tier_upgrade
-- rules: T3, T4, T5, T6, R1
WITH thresholds AS (
    SELECT
        policy_tier_thresholds.tier,
        policy_tier_thresholds.from_fee,
        LEAD(policy_tier_thresholds.from_fee) OVER (
            ORDER BY policy_tier_thresholds.from_fee
        ) AS below_fee
    FROM policy_tier_thresholds
    CROSS JOIN run_context
    WHERE policy_tier_thresholds.valid_from <= run_context.assessed_on
        AND (
            policy_tier_thresholds.valid_to IS NULL
            OR run_context.assessed_on < policy_tier_thresholds.valid_to
        )
),

upgrades AS (
    SELECT
        policy_tier_upgrade.from_tier,
        policy_tier_upgrade.to_tier,
        policy_tier_upgrade.tenure_years
    FROM policy_tier_upgrade
    CROSS JOIN run_context
    WHERE policy_tier_upgrade.valid_from <= run_context.assessed_on
        AND (
            policy_tier_upgrade.valid_to IS NULL
            OR run_context.assessed_on < policy_tier_upgrade.valid_to
        )
),

assessed_customers AS (
    SELECT
        customers_spans.customer_id,
        customers_spans.joined_on,
        run_context.assessed_on,
        -- joined_on moved to the year of the assessment; 29 February to 28 in a common year
        MAKE_DATE(
            YEAR(run_context.assessed_on),
            MONTH(customers_spans.joined_on),
            LEAST(
                DAY(customers_spans.joined_on),
                DAY(
                    LAST_DAY(
                        MAKE_DATE(YEAR(run_context.assessed_on), MONTH(customers_spans.joined_on), 1)
                    )
                )
            )
        ) AS anniversary
    FROM customers_spans
    CROSS JOIN run_context
    WHERE customers_spans.joined_on <= run_context.assessed_on
        AND (
            customers_spans.terminated_on IS NULL
            OR customers_spans.terminated_on > run_context.assessed_on
        )
        AND (
            customers_spans.counts_from IS NULL
            OR customers_spans.counts_from <= run_context.assessed_on
        )
        AND (
            customers_spans.counts_until IS NULL
            OR run_context.assessed_on < customers_spans.counts_until
        )
),

tenures AS (
    SELECT
        customer_id,
        assessed_on,
        YEAR(assessed_on) - YEAR(joined_on)
        - CASE WHEN anniversary > assessed_on THEN 1 ELSE 0 END AS tenure_years
    FROM assessed_customers
),

fees AS (
    SELECT
        tenures.customer_id,
        tenures.assessed_on,
        tenures.tenure_years,
        COALESCE(counting_fees.mobile_fee, 0) AS mobile_fee,
        COALESCE(counting_fees.internet_fee, 0) AS internet_fee,
        COALESCE(counting_fees.iptv_fee, 0) AS iptv_fee,
        COALESCE(counting_fees.wibro_fee, 0) AS wibro_fee,
        COALESCE(counting_fees.voip_fee, 0) AS voip_fee,
        COALESCE(counting_fees.landline_fee, 0) AS landline_fee,
        COALESCE(counting_fees.annual_fee, 0) AS annual_fee
    FROM tenures
    LEFT JOIN counting_fees ON tenures.customer_id = counting_fees.customer_id
),

-- credit lines can bring a fee below 0: it stands at the foot of the thresholds
fee_tiers AS (
    SELECT fees.*, thresholds.tier AS fee_tier, thresholds.below_fee
    FROM fees
    INNER JOIN thresholds
        ON GREATEST(fees.annual_fee, 0) >= thresholds.from_fee
        AND (
            thresholds.below_fee IS NULL
            OR GREATEST(fees.annual_fee, 0) < thresholds.below_fee
        )
),

tiers AS (
    SELECT fee_tiers.*, COALESCE(upgrades.to_tier, fee_tiers.fee_tier) AS tier
    FROM fee_tiers
    LEFT JOIN upgrades
        ON fee_tiers.fee_tier = upgrades.from_tier
        AND fee_tiers.tenure_years >= upgrades.tenure_years
)

SELECT
    CAST(tiers.customer_id AS VARCHAR) AS customer_id,
    CAST(tiers.assessed_on AS DATE) AS assessed_on,
    CAST(tiers.mobile_fee AS BIGINT) AS mobile_fee,
    CAST(tiers.internet_fee AS BIGINT) AS internet_fee,
    CAST(tiers.iptv_fee AS BIGINT) AS iptv_fee,
    CAST(tiers.wibro_fee AS BIGINT) AS wibro_fee,
    CAST(tiers.voip_fee AS BIGINT) AS voip_fee,
    CAST(tiers.landline_fee AS BIGINT) AS landline_fee,
    CAST(tiers.annual_fee AS BIGINT) AS annual_fee,
    CAST(tiers.fee_tier AS VARCHAR) AS fee_tier,
    CAST(tiers.tenure_years AS BIGINT) AS tenure_years,
    CAST(tiers.tier <> tiers.fee_tier AS BOOLEAN) AS upgraded,
    CAST(tiers.tier AS VARCHAR) AS tier,
    CAST(run_context.policies AS VARCHAR) AS policy,
    CAST(tiers.below_fee - tiers.annual_fee AS BIGINT) AS missing_to_next
FROM tiers
CROSS JOIN run_context
ORDER BY customer_id
