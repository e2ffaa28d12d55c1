-- purpose: What was left of the redemption that the cancellation names, against what it asks back
-- grain: one row where the check before it passed, none else
-- keys: none
-- inputs: replayed_earlier_results(redemption_id, used_at, cancels, status),
--   redemption_request(cancels, turn, redemption_id, reason, points),
--   replayed_events_in_order(event_id, occurred_at, action, cancels, verdict),
--   replayed_ledger_events(event_id, action, turn, amount), replayed_movements_in_order(points,
--   event_id, action), redemption_named(named_points, passed)
-- policy: none
-- rules: P5
WITH cancellations AS (
    SELECT
        replayed_earlier_results.redemption_id,
        replayed_earlier_results.used_at
    FROM replayed_earlier_results
    INNER JOIN redemption_request
        ON replayed_earlier_results.cancels = redemption_request.cancels
    WHERE replayed_earlier_results.status = 'accepted'
    UNION ALL
    SELECT
        replayed_events_in_order.event_id AS redemption_id,
        replayed_events_in_order.occurred_at AS used_at
    FROM replayed_events_in_order
    INNER JOIN replayed_ledger_events
        ON replayed_events_in_order.event_id = replayed_ledger_events.event_id
        AND replayed_events_in_order.action = replayed_ledger_events.action
    INNER JOIN redemption_request
        ON replayed_events_in_order.cancels = redemption_request.cancels
        AND (
            replayed_ledger_events.turn < redemption_request.turn
            OR (
                replayed_ledger_events.turn = redemption_request.turn
                AND replayed_ledger_events.event_id < redemption_request.redemption_id
            )
        )
    WHERE replayed_events_in_order.action = 'cancel'
        AND replayed_events_in_order.verdict = 'accepted'
),

latest AS (
    SELECT
        COUNT(*) AS cancellations,
        MAX(cancellations.used_at) AS used_at,
        MAX_BY(cancellations.redemption_id, cancellations.used_at) AS redemption_id
    FROM cancellations
),

-- of the months before, as the month was told; of the month, what moved
came_back AS (
    SELECT COALESCE(SUM(parts.points), 0) AS points
    FROM (
        SELECT replayed_ledger_events.amount AS points
        FROM replayed_ledger_events
        INNER JOIN redemption_request
            ON replayed_ledger_events.event_id = redemption_request.cancels
        WHERE replayed_ledger_events.action IN ('earlier', 'earlier_cancelled')
        UNION ALL
        SELECT replayed_movements_in_order.points
        FROM replayed_movements_in_order
        INNER JOIN cancellations
            ON replayed_movements_in_order.event_id = cancellations.redemption_id
        WHERE replayed_movements_in_order.action = 'cancel'
    ) AS parts
)

SELECT
    CAST(
        CASE
            WHEN redemption_request.reason IS NOT NULL THEN redemption_request.reason
            WHEN redemption_request.points = 0 THEN 'all_that_is_left'
            ELSE 'a_part'
        END
        AS VARCHAR
    ) AS said,
    CAST(redemption_request.reason IS NULL AS BOOLEAN) AS passed,
    CAST(redemption_request.points AS BIGINT) AS points,
    CAST(redemption_named.named_points AS BIGINT) AS named_points,
    CAST(came_back.points AS BIGINT) AS came_back,
    CAST(redemption_named.named_points - came_back.points AS BIGINT) AS left_of_it,
    CAST(
        CASE
            WHEN redemption_request.reason = 'above_redeemed'
                THEN redemption_request.points - redemption_named.named_points + came_back.points
        END
        AS BIGINT
    ) AS over,
    CAST(latest.cancellations AS BIGINT) AS cancellations,
    CAST(latest.redemption_id AS VARCHAR) AS last_id,
    CAST(latest.used_at AS TIMESTAMP) AS last_at
FROM redemption_request
INNER JOIN redemption_named ON redemption_named.passed
CROSS JOIN latest
CROSS JOIN came_back
