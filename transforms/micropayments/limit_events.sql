-- purpose: The month's limit requests and payments in the order in which the fold takes them, each
--   with the first reason against it that does not depend on the limit
-- grain: one row per payment, per request, and per change of a standard limit
-- keys: action, event_id, account, requested_at
-- inputs: payments_and_changes(payment_id, subscription_id, requested_at, merchant, category, amount,
--   platform_fee, recurring, action, refusal), limit_accounts(account, subscription_id, customer_id,
--   opened_on, closed_on, arrears_days)
-- policy: none
-- rules: M1, M2, M3, M4
SELECT
    CAST(limit_accounts.account AS BIGINT) AS account,
    CAST(payments_and_changes.payment_id AS VARCHAR) AS event_id,
    CAST(payments_and_changes.requested_at AS TIMESTAMP) AS requested_at,
    CAST(payments_and_changes.requested_at AS DATE) AS on_day,
    CAST(COALESCE(payments_and_changes.action, 'spend') AS VARCHAR) AS action,
    CAST(payments_and_changes.amount AS BIGINT) AS amount,
    CAST(
        CASE
            WHEN payments_and_changes.action IS NOT NULL THEN payments_and_changes.refusal
            WHEN limit_accounts.customer_id IS NULL THEN 'unknown_subscription'
            WHEN CAST(payments_and_changes.requested_at AS DATE) < limit_accounts.opened_on
                OR CAST(payments_and_changes.requested_at AS DATE) >= limit_accounts.closed_on
                THEN 'not_in_service'
            WHEN (
                (
                    limit_accounts.arrears_days
                    >> CAST(DAY(payments_and_changes.requested_at) AS INTEGER)
                )
                & 1
            ) = 1
                THEN 'arrears'
        END
        AS VARCHAR
    ) AS refusal,
    CAST(payments_and_changes.merchant AS VARCHAR) AS merchant,
    CAST(payments_and_changes.category AS VARCHAR) AS category,
    CAST(payments_and_changes.platform_fee AS BIGINT) AS platform_fee,
    CAST(payments_and_changes.recurring AS BOOLEAN) AS recurring
FROM payments_and_changes
INNER JOIN limit_accounts ON payments_and_changes.subscription_id = limit_accounts.subscription_id
ORDER BY
    limit_accounts.account,
    payments_and_changes.requested_at,
    CASE payments_and_changes.action WHEN 'standard_limit' THEN 0 WHEN 'set_limit' THEN 1 ELSE 2 END,
    payments_and_changes.payment_id
