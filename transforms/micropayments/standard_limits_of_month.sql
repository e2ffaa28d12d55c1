-- purpose: The limit that each mobile subscription has in the month before a request of it is approved,
--   from when until when: it changes with its class and grade, and with policy
-- grain: one row per subscription and span of time that overlaps the month
-- keys: subscription_id, holds_from
-- inputs: subscription_records(subscription_id, is_mobile, plan_class, credit_grade, holds_from,
--   holds_until), standard_limits(plan_class, credit_grade, monthly_limit, valid_from, valid_to),
--   run_context(first_day, last_day)
-- policy: none
-- rules: M1, R2
-- kept: table
WITH spans AS (
    SELECT
        subscription_records.subscription_id,
        standard_limits.monthly_limit,
        GREATEST(
            COALESCE(
                subscription_records.holds_from, CAST(standard_limits.valid_from AS TIMESTAMP)
            ),
            CAST(standard_limits.valid_from AS TIMESTAMP)
        ) AS holds_from
    FROM subscription_records
    INNER JOIN standard_limits
        ON subscription_records.plan_class = standard_limits.plan_class
        AND subscription_records.credit_grade = standard_limits.credit_grade
        AND (
            subscription_records.holds_from IS NULL
            OR standard_limits.valid_to IS NULL
            OR subscription_records.holds_from < standard_limits.valid_to
        )
        AND (
            subscription_records.holds_until IS NULL
            OR standard_limits.valid_from < subscription_records.holds_until
        )
    CROSS JOIN run_context
    WHERE subscription_records.is_mobile
        AND (
            subscription_records.holds_from IS NULL
            OR CAST(subscription_records.holds_from AS DATE) <= run_context.last_day
        )
        AND standard_limits.valid_from <= run_context.last_day
        AND (
            subscription_records.holds_until IS NULL
            OR subscription_records.holds_until > run_context.first_day
        )
        AND (
            standard_limits.valid_to IS NULL
            OR standard_limits.valid_to > run_context.first_day
        )
)

SELECT
    CAST(spans.subscription_id AS VARCHAR) AS subscription_id,
    CAST(spans.holds_from AS TIMESTAMP) AS holds_from,
    CAST(spans.holds_from <= run_context.first_day AS BOOLEAN) AS is_first,
    CAST(spans.monthly_limit AS BIGINT) AS monthly_limit
FROM spans
CROSS JOIN run_context
