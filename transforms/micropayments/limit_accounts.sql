-- purpose: Each subscription that asks for something in the month: whose it is, the limit that it
--   opens with, and the days in arrears; numbered for the fold
-- grain: one row per subscription with a payment or a limit request in the month, unknown ones too
-- keys: subscription_id
-- inputs: micropayments(subscription_id), limit_requests(subscription_id),
--   subscriptions(subscription_id, customer_id, product, plan_class, credit_grade, opened_on,
--   closed_on), arrears_days(customer_id, arrears_days),
--   opening_limits(subscription_id, monthly_limit),
--   standard_limits(plan_class, credit_grade, monthly_limit, valid_from, valid_to),
--   run_context(first_day)
-- policy: none
-- rules: M1, M2, M4, P12
-- kept: table
WITH asking AS (
    SELECT micropayments.subscription_id
    FROM micropayments
    UNION
    SELECT limit_requests.subscription_id
    FROM limit_requests
),

opening_standard_limits AS (
    SELECT
        standard_limits.plan_class,
        standard_limits.credit_grade,
        standard_limits.monthly_limit
    FROM standard_limits
    CROSS JOIN run_context
    WHERE standard_limits.valid_from <= run_context.first_day
        AND (
            standard_limits.valid_to IS NULL
            OR run_context.first_day < standard_limits.valid_to
        )
),

mobile AS (
    SELECT
        subscriptions.subscription_id,
        subscriptions.customer_id,
        subscriptions.plan_class,
        subscriptions.credit_grade,
        subscriptions.opened_on,
        subscriptions.closed_on,
        opening_standard_limits.monthly_limit
    FROM subscriptions
    INNER JOIN opening_standard_limits
        ON subscriptions.plan_class = opening_standard_limits.plan_class
        AND subscriptions.credit_grade = opening_standard_limits.credit_grade
    WHERE subscriptions.product = 'mobile'
)

SELECT
    CAST(
        ROW_NUMBER() OVER (ORDER BY mobile.customer_id, asking.subscription_id) - 1 AS BIGINT
    ) AS account,
    CAST(asking.subscription_id AS VARCHAR) AS subscription_id,
    CAST(mobile.customer_id AS VARCHAR) AS customer_id,
    CAST(mobile.plan_class AS VARCHAR) AS plan_class,
    CAST(mobile.credit_grade AS BIGINT) AS credit_grade,
    CAST(mobile.opened_on AS DATE) AS opened_on,
    CAST(mobile.closed_on AS DATE) AS closed_on,
    CAST(COALESCE(arrears_days.arrears_days, 0) AS BIGINT) AS arrears_days,
    CAST(COALESCE(opening_limits.monthly_limit, mobile.monthly_limit) AS BIGINT) AS opening_limit,
    CAST(opening_limits.monthly_limit IS NOT NULL AS BOOLEAN) AS limit_was_set
FROM asking
LEFT JOIN mobile ON asking.subscription_id = mobile.subscription_id
LEFT JOIN arrears_days ON mobile.customer_id = arrears_days.customer_id
LEFT JOIN opening_limits ON mobile.subscription_id = opening_limits.subscription_id
