-- purpose: What each subscription can spend in the month, as the fold reads it: its limit is a lot
-- grain: one row per mobile subscription with a payment or a limit request in the month
-- keys: account
-- inputs: limit_accounts(account, subscription_id, is_mobile, opening_limit),
--   run_context(first_day)
-- policy: none
-- rules: M1, M3
SELECT
    CAST(limit_accounts.account AS BIGINT) AS account,
    CAST(limit_accounts.subscription_id AS VARCHAR) AS subscription_id,
    CAST(run_context.first_day AS DATE) AS credited_on,
    CAST(NULL AS DATE) AS expires_on,
    CAST(NULL AS DATE) AS changes_on,
    CAST(NULL AS DATE) AS changed_expires_on,
    CAST(FALSE AS BOOLEAN) AS refundable,
    CAST(limit_accounts.opening_limit AS BIGINT) AS remaining,
    CAST(NULL AS BIGINT) AS tag
FROM limit_accounts
CROSS JOIN run_context
WHERE limit_accounts.is_mobile
ORDER BY limit_accounts.account
