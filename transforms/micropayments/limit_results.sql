-- purpose: The answer to every limit request of the month
-- grain: one row per delivered limit request of the month
-- keys: request_id
-- inputs: folded_limit_events(event_id, subscription_id, customer_id, requested_at, action, amount,
--   refusal, verdict, usable, spent)
-- policy: none
-- rules: M2
SELECT
    CAST(folded_limit_events.event_id AS VARCHAR) AS request_id,
    CAST(folded_limit_events.subscription_id AS VARCHAR) AS subscription_id,
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
            WHEN folded_limit_events.customer_id IS NOT NULL
                THEN folded_limit_events.usable + folded_limit_events.spent
        END
        AS BIGINT
    ) AS limit_after
FROM folded_limit_events
WHERE folded_limit_events.action = 'set_limit'
ORDER BY subscription_id, request_id
