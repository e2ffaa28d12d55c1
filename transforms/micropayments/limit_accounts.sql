-- purpose: Each subscription that asks for something in the month, numbered for the fold, with the limit
--   that it opens with; what is asked while it is no mobile one stands apart, where nothing is granted
-- grain: one row per subscription with a payment or a limit request in the month, and whether it is a
--   mobile one
-- keys: subscription_id, is_mobile
-- inputs: micropayments(subscription_id), limit_requests(subscription_id),
--   standard_limits_of_month(subscription_id, monthly_limit, is_first),
--   opening_limits(subscription_id, monthly_limit)
-- policy: none
-- rules: M1, M2, P12
-- kept: table
WITH mobile AS (
    SELECT
        standard_limits_of_month.subscription_id,
        -- 0 until it is a mobile one
        MAX(
            CASE
                WHEN standard_limits_of_month.is_first
                    THEN standard_limits_of_month.monthly_limit
                ELSE 0
            END
        ) AS monthly_limit
    FROM standard_limits_of_month
    GROUP BY standard_limits_of_month.subscription_id
),

accounts AS (
    SELECT micropayments.subscription_id, FALSE AS is_mobile
    FROM micropayments
    UNION
    SELECT limit_requests.subscription_id, FALSE AS is_mobile
    FROM limit_requests
    UNION
    SELECT mobile.subscription_id, TRUE AS is_mobile
    FROM mobile
)

SELECT
    CAST(
        ROW_NUMBER() OVER (ORDER BY accounts.subscription_id, accounts.is_mobile) - 1 AS BIGINT
    ) AS account,
    CAST(accounts.subscription_id AS VARCHAR) AS subscription_id,
    CAST(accounts.is_mobile AS BOOLEAN) AS is_mobile,
    CAST(COALESCE(opening_limits.monthly_limit, mobile.monthly_limit) AS BIGINT) AS opening_limit,
    CAST(opening_limits.monthly_limit IS NOT NULL AS BOOLEAN) AS limit_was_set
FROM accounts
LEFT JOIN mobile ON accounts.subscription_id = mobile.subscription_id AND accounts.is_mobile
LEFT JOIN opening_limits
    ON accounts.subscription_id = opening_limits.subscription_id
    AND accounts.is_mobile
