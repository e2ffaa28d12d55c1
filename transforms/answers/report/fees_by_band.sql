-- purpose: How many customers pay how much in the latest membership year, by tier
-- grain: one row per band of annual fee and tier that any customer has
-- keys: band_from, tier
-- inputs: tier_bands(membership_year, band_from, tier, customers, annual_fee),
--   run_context(membership_year)
-- policy: none
-- rules: T9
SELECT
    CAST(tier_bands.band_from AS BIGINT) AS band_from,
    CAST(tier_bands.tier AS VARCHAR) AS tier,
    CAST(SUM(tier_bands.customers) AS BIGINT) AS customers,
    CAST(SUM(tier_bands.annual_fee) AS BIGINT) AS annual_fee
FROM tier_bands
CROSS JOIN run_context
WHERE tier_bands.membership_year = run_context.membership_year
GROUP BY tier_bands.band_from, tier_bands.tier
ORDER BY band_from, tier
