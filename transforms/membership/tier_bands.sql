-- purpose: How many customers pay how much and have stayed how long, by tier
-- grain: one row per band of annual fee, band of tenure and tier that any customer has
-- keys: band_from, tenure_band, tier
-- inputs: tier_snapshot(annual_fee, tenure_years, tier),
--   policy_tier_fee_bands(width, greatest, valid_from, valid_to),
--   policy_tier_tenure_bands(from_years, band, valid_from, valid_to), run_context(assessed_on)
-- policy: tier_fee_bands, tier_tenure_bands
-- rules: T9
WITH counted AS (
    -- there are far fewer fees with their tenure than customers
    SELECT
        tier_snapshot.annual_fee,
        tier_snapshot.tenure_years,
        tier_snapshot.tier,
        COUNT(*) AS customers
    FROM tier_snapshot
    GROUP BY tier_snapshot.annual_fee, tier_snapshot.tenure_years, tier_snapshot.tier
),

tenure_bands AS (
    SELECT
        policy_tier_tenure_bands.band,
        policy_tier_tenure_bands.from_years,
        LEAD(policy_tier_tenure_bands.from_years) OVER (
            ORDER BY policy_tier_tenure_bands.from_years
        ) AS below_years
    FROM policy_tier_tenure_bands
    CROSS JOIN run_context
    WHERE policy_tier_tenure_bands.valid_from <= run_context.assessed_on
        AND (
            policy_tier_tenure_bands.valid_to IS NULL
            OR run_context.assessed_on < policy_tier_tenure_bands.valid_to
        )
),

fee_bands AS (
    SELECT policy_tier_fee_bands.width, policy_tier_fee_bands.greatest
    FROM policy_tier_fee_bands
    CROSS JOIN run_context
    WHERE policy_tier_fee_bands.valid_from <= run_context.assessed_on
        AND (
            policy_tier_fee_bands.valid_to IS NULL
            OR run_context.assessed_on < policy_tier_fee_bands.valid_to
        )
),

banded AS (
    SELECT
        LEAST(
            GREATEST(counted.annual_fee, 0) // fee_bands.width * fee_bands.width,
            fee_bands.greatest
        ) AS band_from,
        tenure_bands.band AS tenure_band,
        counted.tier,
        counted.customers,
        counted.annual_fee * counted.customers AS annual_fee
    FROM counted
    CROSS JOIN fee_bands
    INNER JOIN tenure_bands
        ON counted.tenure_years >= tenure_bands.from_years
        AND (
            tenure_bands.below_years IS NULL
            OR counted.tenure_years < tenure_bands.below_years
        )
)

SELECT
    CAST(banded.band_from AS BIGINT) AS band_from,
    CAST(banded.tenure_band AS VARCHAR) AS tenure_band,
    CAST(banded.tier AS VARCHAR) AS tier,
    CAST(SUM(banded.customers) AS BIGINT) AS customers,
    CAST(SUM(banded.annual_fee) AS BIGINT) AS annual_fee
FROM banded
GROUP BY banded.band_from, banded.tenure_band, banded.tier
ORDER BY band_from, tenure_band, tier
