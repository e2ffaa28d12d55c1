-- purpose: The month's payments that were approved before this one
-- grain: one row per approved payment
-- keys: payment_id
-- inputs: limit_event(account, place), limit_events_in_turn(account, place, event_id, requested_at,
--   action, amount, is_accepted, total_after)
-- policy: none
-- rules: M3
SELECT
    CAST(limit_events_in_turn.requested_at AS TIMESTAMP) AS requested_at,
    CAST(limit_events_in_turn.event_id AS VARCHAR) AS payment_id,
    CAST(limit_events_in_turn.amount AS BIGINT) AS amount,
    CAST(limit_events_in_turn.total_after AS BIGINT) AS total_after
FROM limit_event
INNER JOIN limit_events_in_turn
    ON limit_event.account = limit_events_in_turn.account
    AND limit_event.place > limit_events_in_turn.place
WHERE limit_events_in_turn.action = 'spend' AND limit_events_in_turn.is_accepted
ORDER BY limit_events_in_turn.place
