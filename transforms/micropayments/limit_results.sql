-- purpose: The answer to every limit request of the month
-- grain: one row per delivered limit request of the month
-- keys: request_id
-- inputs: folded_limit_events(account, event_id, requested_at, action, amount, refusal, verdict,
--   usable, spent), limit_accounts(account, subscription_id, customer_id)
-- policy: none
-- rules: M2
SELECT
    CAST(folded_limit_events.event_id AS VARCHAR) AS request_id,
    CAST(limit_accounts.subscription_id AS VARCHAR) AS subscription_id,
    CAST(folded_limit_events.requested_at AS TIMESTAMP) AS requested_at,
    CAST(folded_limit_events.amount AS BIGINT) AS requested_limit,
    CAST(
        CASE WHEN folded_limit_events.verdict = 'accepted' THEN 'approved' ELSE 'refused' END
        AS VARCHAR
    ) AS status,
    CAST(
        CASE
            WHEN folded_limit_events.verdict = 'accepted' THEN NULL
            ELSE folded_limit_events.refusal
        END
        AS VARCHAR
    ) AS reason,
    CAST(
        CASE
            WHEN limit_accounts.customer_id IS NOT NULL
                THEN folded_limit_events.usable + folded_limit_events.spent
        END
        AS BIGINT
    ) AS limit_after
FROM folded_limit_events
INNER JOIN limit_accounts ON folded_limit_events.account = limit_accounts.account
WHERE folded_limit_events.action = 'set_limit'
ORDER BY subscription_id, request_id
