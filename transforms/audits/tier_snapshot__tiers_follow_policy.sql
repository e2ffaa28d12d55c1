-- purpose: Every tier is what the policy makes of the published fees and tenure, told tier by tier
-- grain: one row per customer whose fee_tier, tier, upgraded, annual_fee or missing_to_next is not
-- keys: customer_id
-- inputs: tier_snapshot(customer_id, mobile_fee, internet_fee, iptv_fee, wibro_fee, voip_fee,
--   landline_fee, annual_fee, fee_tier, tenure_years, upgraded, tier, missing_to_next),
--   policy_tier_thresholds(tier, from_fee, valid_from, valid_to),
--   policy_tier_upgrade(from_tier, to_tier, tenure_years, valid_from, valid_to),
--   run_context(assessed_on)
-- policy: tier_thresholds, tier_upgrade
-- rules: T3, T4, T5
WITH thresholds AS (
    SELECT policy_tier_thresholds.tier, policy_tier_thresholds.from_fee
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

next_tiers AS (
    SELECT tiers.tier, tiers.from_fee, MIN(higher_tiers.from_fee) AS below_fee
    FROM thresholds AS tiers
    LEFT JOIN thresholds AS higher_tiers ON tiers.from_fee < higher_tiers.from_fee
    GROUP BY tiers.tier, tiers.from_fee
)

SELECT
    CAST(tier_snapshot.customer_id AS VARCHAR) AS customer_id,
    CAST(tier_snapshot.annual_fee AS BIGINT) AS annual_fee,
    CAST(tier_snapshot.fee_tier AS VARCHAR) AS fee_tier,
    CAST(tier_snapshot.tenure_years AS BIGINT) AS tenure_years,
    CAST(tier_snapshot.tier AS VARCHAR) AS tier
FROM tier_snapshot
LEFT JOIN next_tiers ON tier_snapshot.fee_tier = next_tiers.tier
LEFT JOIN upgrades ON tier_snapshot.fee_tier = upgrades.from_tier
WHERE next_tiers.tier IS NULL
    OR (next_tiers.from_fee > 0 AND tier_snapshot.annual_fee < next_tiers.from_fee)
    OR tier_snapshot.annual_fee >= next_tiers.below_fee
    OR tier_snapshot.tier IS DISTINCT FROM CASE
        WHEN tier_snapshot.tenure_years >= upgrades.tenure_years THEN upgrades.to_tier
        ELSE tier_snapshot.fee_tier
    END
    OR tier_snapshot.missing_to_next IS DISTINCT FROM (
        next_tiers.below_fee - tier_snapshot.annual_fee
    )
    OR tier_snapshot.upgraded IS DISTINCT FROM (tier_snapshot.tier <> tier_snapshot.fee_tier)
    OR tier_snapshot.annual_fee IS DISTINCT FROM (
        tier_snapshot.mobile_fee + tier_snapshot.internet_fee + tier_snapshot.iptv_fee
        + tier_snapshot.wibro_fee + tier_snapshot.voip_fee + tier_snapshot.landline_fee
    )
ORDER BY customer_id
