-- purpose: How many customers pay how much in the latest membership year, by tier
-- grain: one row per band of annual fee and tier that any customer has
-- keys: band_from, tier
-- inputs: tier_bands(membership_year, band_from, tier, customers, annual_fee),
--   policies(policy, column, value, valid_from, valid_to),
--   run_context(membership_year, assessed_on)
-- policy: none
-- rules: T9
SELECT
    CAST(tier_bands.band_from AS BIGINT) AS band_from,
    CAST(tier_bands.band_from + CAST(policies.value AS BIGINT) AS BIGINT) AS band_to,
    CAST(tier_bands.tier AS VARCHAR) AS tier,
    CAST(SUM(tier_bands.customers) AS BIGINT) AS customers,
    CAST(SUM(tier_bands.annual_fee) AS BIGINT) AS annual_fee
FROM tier_bands
CROSS JOIN run_context
LEFT JOIN policies
    ON policies.policy = 'tier_fee_bands'
    AND policies."column" = 'width'
    AND policies.valid_from <= run_context.assessed_on
    AND (policies.valid_to IS NULL OR run_context.assessed_on < policies.valid_to)
WHERE tier_bands.membership_year = run_context.membership_year
GROUP BY tier_bands.band_from, policies.value, tier_bands.tier
ORDER BY band_from, tier
