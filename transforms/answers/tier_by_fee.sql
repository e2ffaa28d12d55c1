-- purpose: The tier that the fee alone gives, with how far it lies from the tiers beside it
-- grain: one row, none for a customer who is not assessed
-- keys: none
-- inputs: published_tier_snapshot(annual_fee, fee_tier, assessed_on),
--   policy_tier_thresholds(tier, from_fee, valid_from, valid_to)
-- policy: tier_thresholds
-- rules: T4
WITH thresholds AS (
    SELECT
        policy_tier_thresholds.tier,
        policy_tier_thresholds.from_fee,
        LEAD(policy_tier_thresholds.tier) OVER (ORDER BY policy_tier_thresholds.from_fee)
            AS next_tier,
        LEAD(policy_tier_thresholds.from_fee) OVER (ORDER BY policy_tier_thresholds.from_fee)
            AS next_value,
        LAG(policy_tier_thresholds.tier) OVER (ORDER BY policy_tier_thresholds.from_fee)
            AS tier_below
    FROM policy_tier_thresholds
    CROSS JOIN published_tier_snapshot
    WHERE policy_tier_thresholds.valid_from <= published_tier_snapshot.assessed_on
        AND (
            policy_tier_thresholds.valid_to IS NULL
            OR published_tier_snapshot.assessed_on < policy_tier_thresholds.valid_to
        )
)

SELECT
    CAST(
        CASE
            WHEN thresholds.next_tier IS NULL THEN 'highest'
            WHEN thresholds.tier_below IS NULL THEN 'lowest'
            ELSE 'between'
        END
        AS VARCHAR
    ) AS said,
    CAST(published_tier_snapshot.fee_tier AS VARCHAR) AS outcome,
    CAST(published_tier_snapshot.annual_fee AS BIGINT) AS annual_fee,
    CAST(thresholds.from_fee AS BIGINT) AS from_fee,
    CAST(published_tier_snapshot.annual_fee - thresholds.from_fee AS BIGINT) AS over,
    CAST(published_tier_snapshot.assessed_on AS DATE) AS assessed_on,
    CAST(thresholds.tier_below AS VARCHAR) AS tier_below,
    CAST(thresholds.next_tier AS VARCHAR) AS next_tier,
    CAST(thresholds.next_value AS BIGINT) AS next_value,
    CAST(thresholds.next_value - published_tier_snapshot.annual_fee AS BIGINT) AS next_short
FROM published_tier_snapshot
INNER JOIN thresholds ON published_tier_snapshot.fee_tier = thresholds.tier
