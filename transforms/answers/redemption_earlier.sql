-- purpose: The accepted redemptions of the same benefit before the asked one in its month, but for
--   those of which all came back before it
-- grain: one row per such redemption
-- keys: redemption_id
-- inputs: replayed_events_in_order(event_id, action, occurred_at, benefit, amount, cancels,
--   verdict), replayed_ledger_events(event_id, action, turn), redemption_request(turn,
--   redemption_id, benefit), replayed_movements_in_order(points, event_id, action)
-- policy: none
-- rules: P2, P4, P5
WITH earlier AS (
    SELECT
        replayed_events_in_order.event_id,
        replayed_events_in_order.action,
        replayed_events_in_order.occurred_at,
        replayed_events_in_order.benefit,
        replayed_events_in_order.amount,
        replayed_events_in_order.cancels
    FROM replayed_events_in_order
    INNER JOIN replayed_ledger_events
        ON replayed_events_in_order.event_id = replayed_ledger_events.event_id
        AND replayed_events_in_order.action = replayed_ledger_events.action
    INNER JOIN redemption_request
        ON replayed_ledger_events.turn < redemption_request.turn
        OR (
            replayed_ledger_events.turn = redemption_request.turn
            AND replayed_ledger_events.event_id < redemption_request.redemption_id
        )
    WHERE replayed_events_in_order.verdict = 'accepted'
        AND replayed_events_in_order.action IN ('spend', 'cancel')
),

came_back AS (
    SELECT earlier.cancels AS event_id, COALESCE(SUM(replayed_movements_in_order.points), 0) AS points
    FROM earlier
    LEFT JOIN replayed_movements_in_order
        ON earlier.event_id = replayed_movements_in_order.event_id
        AND earlier.action = replayed_movements_in_order.action
    WHERE earlier.action = 'cancel'
    GROUP BY earlier.cancels
)

SELECT
    CAST(earlier.event_id AS VARCHAR) AS redemption_id,
    CAST(earlier.occurred_at AS TIMESTAMP) AS used_at,
    CAST(earlier.amount AS BIGINT) AS points
FROM earlier
INNER JOIN redemption_request ON earlier.benefit = redemption_request.benefit
LEFT JOIN came_back ON earlier.event_id = came_back.event_id
WHERE earlier.action = 'spend'
    AND (came_back.event_id IS NULL OR came_back.points < earlier.amount)
