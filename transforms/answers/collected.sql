-- purpose: What was collected on the counting lines of a membership year's window, and of whom
-- grain: one row per membership year that is published
-- keys: membership_year
-- inputs: billing_totals(billing_month, product, charge_item, collected_amount),
--   tier_snapshot(membership_year, annual_fee), tier_exceptions(membership_year, amount),
--   windows(membership_year, billing_month, assessed_on),
--   policy_tier_lines(product, charge_item, counts, valid_from, valid_to)
-- policy: tier_lines
-- rules: B2, T2, T7
WITH counting AS (
    SELECT
        windows.membership_year,
        SUM(billing_totals.collected_amount) AS amount
    FROM windows
    INNER JOIN billing_totals ON windows.billing_month = billing_totals.billing_month
    INNER JOIN policy_tier_lines
        ON billing_totals.product = policy_tier_lines.product
        AND billing_totals.charge_item = policy_tier_lines.charge_item
        AND policy_tier_lines.counts
        AND policy_tier_lines.valid_from <= windows.assessed_on
        AND (
            policy_tier_lines.valid_to IS NULL
            OR windows.assessed_on < policy_tier_lines.valid_to
        )
    GROUP BY windows.membership_year
),

assessed AS (
    SELECT
        tier_snapshot.membership_year,
        SUM(tier_snapshot.annual_fee) AS amount
    FROM tier_snapshot
    GROUP BY tier_snapshot.membership_year
),

excepted AS (
    SELECT
        tier_exceptions.membership_year,
        SUM(tier_exceptions.amount) AS amount
    FROM tier_exceptions
    GROUP BY tier_exceptions.membership_year
),

years AS (
    SELECT DISTINCT windows.membership_year
    FROM windows
)

SELECT
    CAST(years.membership_year AS BIGINT) AS membership_year,
    CAST(COALESCE(counting.amount, 0) AS BIGINT) AS counting_krw,
    CAST(COALESCE(assessed.amount, 0) AS BIGINT) AS assessed_krw,
    CAST(COALESCE(excepted.amount, 0) AS BIGINT) AS excepted_krw,
    CAST(
        COALESCE(counting.amount, 0) - COALESCE(assessed.amount, 0) - COALESCE(excepted.amount, 0)
        AS BIGINT
    ) AS difference
FROM years
LEFT JOIN counting ON years.membership_year = counting.membership_year
LEFT JOIN assessed ON years.membership_year = assessed.membership_year
LEFT JOIN excepted ON years.membership_year = excepted.membership_year
ORDER BY membership_year
