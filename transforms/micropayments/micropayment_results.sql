-- purpose: The answer to every payment of the month, with the limit and the total at its time
-- grain: one row per delivered micropayment of the month
-- keys: payment_id
-- inputs: folded_limit_events(account, event_id, requested_at, action, amount, refusal, merchant,
--   category, platform_fee, recurring, verdict, usable, spent),
--   limit_accounts(account, subscription_id, customer_id)
-- policy: none
-- rules: M3
SELECT
    CAST(folded_limit_events.event_id AS VARCHAR) AS payment_id,
    CAST(limit_accounts.subscription_id AS VARCHAR) AS subscription_id,
    CAST(limit_accounts.customer_id AS VARCHAR) AS customer_id,
    CAST(folded_limit_events.requested_at AS TIMESTAMP) AS requested_at,
    CAST(folded_limit_events.merchant AS VARCHAR) AS merchant,
    CAST(folded_limit_events.category AS VARCHAR) AS category,
    CAST(folded_limit_events.amount AS BIGINT) AS amount,
    CAST(folded_limit_events.platform_fee AS BIGINT) AS platform_fee,
    CAST(folded_limit_events.recurring AS BOOLEAN) AS recurring,
    CAST(
        CASE WHEN folded_limit_events.verdict = 'accepted' THEN 'approved' ELSE 'declined' END
        AS VARCHAR
    ) AS status,
    CAST(
        CASE folded_limit_events.verdict
            WHEN 'accepted' THEN NULL
            WHEN 'refused' THEN folded_limit_events.refusal
            ELSE 'over_limit'
        END
        AS VARCHAR
    ) AS reason,
    CAST(
        CASE
            WHEN limit_accounts.customer_id IS NOT NULL
                THEN folded_limit_events.usable + folded_limit_events.spent
        END
        AS BIGINT
    ) AS limit_in_force,
    CAST(
        CASE WHEN limit_accounts.customer_id IS NOT NULL THEN folded_limit_events.spent END
        AS BIGINT
    ) AS approved_total
FROM folded_limit_events
INNER JOIN limit_accounts ON folded_limit_events.account = limit_accounts.account
WHERE folded_limit_events.action = 'spend'
ORDER BY customer_id, payment_id
