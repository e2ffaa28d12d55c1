-- purpose: Customers with their tier by fee whose fee lacks at most one band to the next
-- grain: one row per tier by fee in which there are any
-- keys: fee_tier
-- inputs: tier_snapshot(membership_year, tier, fee_tier, missing_to_next),
--   policies(policy, column, value, valid_from, valid_to),
--   run_context(membership_year, assessed_on)
-- policy: none
-- rules: T4, T9
WITH bands AS (
    SELECT CAST(policies.value AS BIGINT) AS width
    FROM policies
    CROSS JOIN run_context
    WHERE policies.policy = 'tier_fee_bands'
        AND policies."column" = 'width'
        AND policies.valid_from <= run_context.assessed_on
        AND (policies.valid_to IS NULL OR run_context.assessed_on < policies.valid_to)
)

SELECT
    CAST(tier_snapshot.fee_tier AS VARCHAR) AS fee_tier,
    CAST(bands.width AS BIGINT) AS lacking_at_most,
    CAST(COUNT(*) AS BIGINT) AS customers,
    CAST(SUM(tier_snapshot.missing_to_next) AS BIGINT) AS lacking_together
FROM tier_snapshot
CROSS JOIN bands
CROSS JOIN run_context
WHERE tier_snapshot.membership_year = run_context.membership_year
    AND tier_snapshot.missing_to_next <= bands.width
    AND tier_snapshot.tier = tier_snapshot.fee_tier
GROUP BY tier_snapshot.fee_tier, bands.width
ORDER BY fee_tier
