-- purpose: The answer to every payment of the month, with the limit and the total at its time
-- grain: one row per delivered micropayment of the month
-- keys: payment_id
-- inputs: folded_limit_events(event_id, subscription_id, customer_id, requested_at, action, amount,
--   refusal, merchant, category, platform_fee, recurring, verdict, usable, spent)
-- policy: none
-- rules: M3
SELECT
    CAST(folded_limit_events.event_id AS VARCHAR) AS payment_id,
    CAST(folded_limit_events.subscription_id AS VARCHAR) AS subscription_id,
    CAST(folded_limit_events.customer_id AS VARCHAR) AS customer_id,
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
            WHEN folded_limit_events.customer_id IS NOT NULL
                THEN folded_limit_events.usable + folded_limit_events.spent
        END
        AS BIGINT
    ) AS limit_in_force,
    CAST(
        CASE WHEN folded_limit_events.customer_id IS NOT NULL THEN folded_limit_events.spent END
        AS BIGINT
    ) AS approved_total
FROM folded_limit_events
WHERE folded_limit_events.action = 'spend'
ORDER BY customer_id, payment_id
