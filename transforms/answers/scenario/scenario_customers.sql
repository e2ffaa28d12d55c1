-- purpose: How many customers a scenario changes how: the tier, and the points that it gives, that
--   are granted, or that are credited in the scenario's months, whichever comes last; bands of fee
--   and tenure as published, else as in the scenario
-- grain: one row per pair of tiers, band of fee and of tenure, and change of points that any
--   customer of either snapshot, or with points in either, has
-- keys: level_published, level, fee_band, tenure_from, change
-- inputs: published_tier_snapshot(customer_id, annual_fee, tenure_years, tier),
--   scenario_tier_snapshot(customer_id, annual_fee, tenure_years, tier),
--   published_point_grants(customer_id, points), scenario_point_grants(customer_id, points),
--   published_point_balances(customer_id, credited), scenario_point_balances(customer_id, credited),
--   scenario_levels(level, points_published, points),
--   policy_tier_fee_bands(width, greatest, valid_from, valid_to),
--   policy_tier_tenure_bands(from_years, band, valid_from, valid_to), run_context(on_day)
-- policy: tier_fee_bands, tier_tenure_bands
-- rules: T4, T9, G1, P11
WITH snapshots AS (
    SELECT
        COALESCE(published_tier_snapshot.customer_id, scenario_tier_snapshot.customer_id) AS owner,
        published_tier_snapshot.tier AS level_published,
        scenario_tier_snapshot.tier AS level,
        COALESCE(published_tier_snapshot.annual_fee, scenario_tier_snapshot.annual_fee)
            AS annual_fee,
        COALESCE(published_tier_snapshot.tenure_years, scenario_tier_snapshot.tenure_years)
            AS tenure_years,
        COALESCE(before.points_published, 0) AS given_published,
        COALESCE(after.points, 0) AS given
    FROM published_tier_snapshot
    FULL JOIN scenario_tier_snapshot
        ON published_tier_snapshot.customer_id = scenario_tier_snapshot.customer_id
    LEFT JOIN scenario_levels AS before ON published_tier_snapshot.tier = before.level
    LEFT JOIN scenario_levels AS after ON scenario_tier_snapshot.tier = after.level
),

amounts AS (
    SELECT published_point_grants.customer_id, published_point_grants.points AS before, 0 AS after
    FROM published_point_grants
    UNION ALL
    SELECT scenario_point_grants.customer_id, 0 AS before, scenario_point_grants.points AS after
    FROM scenario_point_grants
    UNION ALL
    SELECT published_point_balances.customer_id, published_point_balances.credited AS before, 0 AS after
    FROM published_point_balances
    UNION ALL
    SELECT scenario_point_balances.customer_id, 0 AS before, scenario_point_balances.credited AS after
    FROM scenario_point_balances
),

points AS (
    SELECT amounts.customer_id, SUM(amounts.before) AS before, SUM(amounts.after) AS after
    FROM amounts
    GROUP BY amounts.customer_id
),

customers AS (
    SELECT
        COALESCE(snapshots.owner, points.customer_id) AS owner,
        snapshots.level_published,
        snapshots.level,
        snapshots.annual_fee,
        snapshots.tenure_years,
        COALESCE(snapshots.given_published, 0) + COALESCE(points.before, 0) AS amount_published,
        COALESCE(snapshots.given, 0) + COALESCE(points.after, 0) AS amount
    FROM snapshots
    FULL JOIN points ON snapshots.owner = points.customer_id
),

fee_bands AS (
    SELECT policy_tier_fee_bands.width, policy_tier_fee_bands.greatest
    FROM policy_tier_fee_bands
    CROSS JOIN run_context
    WHERE policy_tier_fee_bands.valid_from <= run_context.on_day
        AND (
            policy_tier_fee_bands.valid_to IS NULL
            OR run_context.on_day < policy_tier_fee_bands.valid_to
        )
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
    WHERE policy_tier_tenure_bands.valid_from <= run_context.on_day
        AND (
            policy_tier_tenure_bands.valid_to IS NULL
            OR run_context.on_day < policy_tier_tenure_bands.valid_to
        )
),

changes AS (
    SELECT
        customers.level_published,
        customers.level,
        LEAST(
            GREATEST(customers.annual_fee, 0) // fee_bands.width * fee_bands.width,
            fee_bands.greatest
        ) AS fee_band,
        tenure_bands.from_years AS tenure_from,
        tenure_bands.band AS tenure_band,
        customers.amount - customers.amount_published AS change
    FROM customers
    CROSS JOIN fee_bands
    LEFT JOIN tenure_bands
        ON customers.tenure_years >= tenure_bands.from_years
        AND (
            tenure_bands.below_years IS NULL
            OR customers.tenure_years < tenure_bands.below_years
        )
)

SELECT
    CAST(changes.level_published AS VARCHAR) AS level_published,
    CAST(changes.level AS VARCHAR) AS level,
    CAST(changes.fee_band AS BIGINT) AS fee_band,
    CAST(changes.tenure_from AS BIGINT) AS tenure_from,
    CAST(changes.tenure_band AS VARCHAR) AS tenure_band,
    CAST(changes.change AS BIGINT) AS change,
    CAST(COUNT(*) AS BIGINT) AS owners
FROM changes
GROUP BY
    changes.level_published,
    changes.level,
    changes.fee_band,
    changes.tenure_from,
    changes.tenure_band,
    changes.change
