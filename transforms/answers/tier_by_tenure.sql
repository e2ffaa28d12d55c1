-- purpose: What the customer's tenure does to the tier by fee, and when it is long enough
-- grain: one row, none for a customer who is not assessed, or where no tier is lifted
-- keys: none
-- inputs: published_tier_snapshot(customer_id, fee_tier, tenure_years, upgraded, tier, assessed_on),
--   replayed_customers_spans(customer_id, joined_on, counts_from, counts_until),
--   policy_tier_upgrade(from_tier, to_tier, tenure_years, valid_from, valid_to)
-- policy: tier_upgrade
-- rules: T5, R1
WITH upgrades AS (
    SELECT
        published_tier_snapshot.customer_id,
        published_tier_snapshot.fee_tier,
        published_tier_snapshot.tenure_years,
        published_tier_snapshot.upgraded,
        published_tier_snapshot.tier,
        published_tier_snapshot.assessed_on,
        policy_tier_upgrade.from_tier,
        policy_tier_upgrade.to_tier,
        policy_tier_upgrade.tenure_years AS years_needed
    FROM published_tier_snapshot
    INNER JOIN policy_tier_upgrade
        ON policy_tier_upgrade.valid_from <= published_tier_snapshot.assessed_on
        AND (
            policy_tier_upgrade.valid_to IS NULL
            OR published_tier_snapshot.assessed_on < policy_tier_upgrade.valid_to
        )
),

joined AS (
    SELECT
        upgrades.*,
        replayed_customers_spans.joined_on,
        MAKE_DATE(
            YEAR(replayed_customers_spans.joined_on) + upgrades.years_needed,
            MONTH(replayed_customers_spans.joined_on),
            1
        ) AS month_reached
    FROM upgrades
    INNER JOIN replayed_customers_spans
        ON upgrades.customer_id = replayed_customers_spans.customer_id
        AND (
            replayed_customers_spans.counts_from IS NULL
            OR replayed_customers_spans.counts_from <= upgrades.assessed_on
        )
        AND (
            replayed_customers_spans.counts_until IS NULL
            OR upgrades.assessed_on < replayed_customers_spans.counts_until
        )
)

SELECT
    CAST(
        CASE
            WHEN joined.upgraded AND joined.fee_tier = joined.from_tier THEN 'lifted'
            WHEN joined.fee_tier <> joined.from_tier THEN 'other_tier'
            ELSE 'too_short'
        END
        AS VARCHAR
    ) AS said,
    CAST(joined.tier AS VARCHAR) AS outcome,
    CAST(joined.upgraded AND joined.fee_tier = joined.from_tier AS BOOLEAN) AS passed,
    CAST(joined.joined_on AS DATE) AS joined_on,
    CAST(joined.tenure_years AS BIGINT) AS tenure_years,
    CAST(joined.fee_tier AS VARCHAR) AS fee_tier,
    CAST(joined.from_tier AS VARCHAR) AS from_tier,
    CAST(joined.to_tier AS VARCHAR) AS to_tier,
    CAST(joined.years_needed AS BIGINT) AS years_needed,
    -- 29 February is reached on the 28th of a common year
    CAST(
        MAKE_DATE(
            YEAR(joined.month_reached),
            MONTH(joined.month_reached),
            LEAST(DAY(joined.joined_on), DAY(LAST_DAY(joined.month_reached)))
        )
        AS DATE
    ) AS reached_on,
    CAST(joined.assessed_on AS DATE) AS assessed_on
FROM joined
ORDER BY from_tier
