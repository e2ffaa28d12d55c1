-- purpose: The payment or limit request that is asked about, as it was taken, with its reason
-- grain: one row
-- keys: event_id
-- inputs: asked(kind, asked_id, subscription_id), limit_events_in_turn(account, place, event_id, customer_id,
--   requested_at, on_day, action, amount, is_accepted, limit_was_set, limit_before, limit_after,
--   total_before, total_after), published_micropayment_results(payment_id, reason),
--   published_limit_results(request_id, reason)
-- policy: none
-- rules: M2, M3
SELECT
    CAST(limit_events_in_turn.account AS BIGINT) AS account,
    CAST(limit_events_in_turn.place AS BIGINT) AS place,
    CAST(limit_events_in_turn.event_id AS VARCHAR) AS event_id,
    CAST(asked.subscription_id AS VARCHAR) AS subscription_id,
    CAST(limit_events_in_turn.customer_id AS VARCHAR) AS customer_id,
    CAST(limit_events_in_turn.requested_at AS TIMESTAMP) AS requested_at,
    CAST(limit_events_in_turn.on_day AS DATE) AS on_day,
    CAST(limit_events_in_turn.amount AS BIGINT) AS amount,
    CAST(limit_events_in_turn.is_accepted AS BOOLEAN) AS is_accepted,
    CAST(limit_events_in_turn.limit_was_set AS BOOLEAN) AS limit_was_set,
    CAST(limit_events_in_turn.limit_before AS BIGINT) AS limit_before,
    CAST(limit_events_in_turn.limit_after AS BIGINT) AS limit_after,
    CAST(limit_events_in_turn.total_before AS BIGINT) AS total_before,
    CAST(limit_events_in_turn.total_after AS BIGINT) AS total_after,
    CAST(
        CASE asked.kind
            WHEN 'limit' THEN published_limit_results.reason
            ELSE published_micropayment_results.reason
        END
        AS VARCHAR
    ) AS reason
FROM asked
INNER JOIN limit_events_in_turn
    ON asked.asked_id = limit_events_in_turn.event_id
    AND limit_events_in_turn.action = CASE asked.kind WHEN 'limit' THEN 'set_limit' ELSE 'spend' END
LEFT JOIN published_limit_results ON asked.asked_id = published_limit_results.request_id
LEFT JOIN published_micropayment_results
    ON asked.asked_id = published_micropayment_results.payment_id
