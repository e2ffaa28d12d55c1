-- purpose: The month's limit requests and payments in the order in which the fold takes them, each
--   with whose it was then, and the first reason against it that does not depend on the limit
-- grain: one row per payment, per request, and per change of a standard limit
-- keys: action, event_id, account, requested_at
-- inputs: payments_and_changes(payment_id, subscription_id, requested_at, merchant, category, amount,
--   platform_fee, recurring, action, refusal), limit_accounts(account, subscription_id, is_mobile),
--   subscription_records(subscription_id, customer_id, is_mobile, opened_on, closed_on, arrears_days,
--   holds_from, holds_until)
-- policy: none
-- rules: M1, M2, M3, M4, R2
WITH asked AS (
    SELECT
        payments_and_changes.payment_id,
        payments_and_changes.subscription_id,
        payments_and_changes.requested_at,
        CAST(payments_and_changes.requested_at AS DATE) AS on_day,
        payments_and_changes.action,
        payments_and_changes.amount,
        payments_and_changes.refusal,
        payments_and_changes.merchant,
        payments_and_changes.category,
        payments_and_changes.platform_fee,
        payments_and_changes.recurring,
        CASE WHEN subscription_records.is_mobile THEN subscription_records.customer_id END
            AS customer_id,
        COALESCE(subscription_records.is_mobile, FALSE) AS is_mobile,
        subscription_records.opened_on,
        subscription_records.closed_on,
        subscription_records.arrears_days
    FROM payments_and_changes
    LEFT JOIN subscription_records
        ON payments_and_changes.subscription_id = subscription_records.subscription_id
        AND (
            subscription_records.holds_from IS NULL
            OR subscription_records.holds_from <= payments_and_changes.requested_at
        )
        AND (
            subscription_records.holds_until IS NULL
            OR payments_and_changes.requested_at < subscription_records.holds_until
        )
)

SELECT
    CAST(limit_accounts.account AS BIGINT) AS account,
    CAST(asked.payment_id AS VARCHAR) AS event_id,
    CAST(asked.subscription_id AS VARCHAR) AS subscription_id,
    CAST(asked.customer_id AS VARCHAR) AS customer_id,
    CAST(asked.requested_at AS TIMESTAMP) AS requested_at,
    CAST(asked.on_day AS DATE) AS on_day,
    CAST(COALESCE(asked.action, 'spend') AS VARCHAR) AS action,
    CAST(asked.amount AS BIGINT) AS amount,
    CAST(
        CASE
            WHEN asked.action IS NOT NULL THEN asked.refusal
            WHEN NOT asked.is_mobile THEN 'unknown_subscription'
            WHEN asked.on_day < asked.opened_on OR asked.on_day >= asked.closed_on
                THEN 'not_in_service'
            WHEN ((asked.arrears_days >> CAST(DAY(asked.requested_at) AS INTEGER)) & 1) = 1
                THEN 'arrears'
        END
        AS VARCHAR
    ) AS refusal,
    CAST(asked.merchant AS VARCHAR) AS merchant,
    CAST(asked.category AS VARCHAR) AS category,
    CAST(asked.platform_fee AS BIGINT) AS platform_fee,
    CAST(asked.recurring AS BOOLEAN) AS recurring
FROM asked
INNER JOIN limit_accounts
    ON asked.subscription_id = limit_accounts.subscription_id
    AND asked.is_mobile = limit_accounts.is_mobile
ORDER BY
    limit_accounts.account,
    asked.requested_at,
    CASE asked.action WHEN 'standard_limit' THEN 0 WHEN 'set_limit' THEN 1 ELSE 2 END,
    asked.payment_id
