-- purpose: The lots that each request of the month found, what it moved of each and what it left
-- grain: one row per request and lot with points before it or moved by it
-- keys: event_id, action, lot_id
-- inputs: replayed_movements_in_order(lot_id, event_id, action, points),
--   replayed_ledger_events(turn, event_id, action, on_day, customer_id),
--   replayed_ledger_lots(lot_id, kind, credited_on, changes_on, changed_expires_on, expires_on,
--   refundable, remaining, customer_id)
-- policy: none
-- rules: P2, P3, P7
-- kept: table
WITH moves AS (
    SELECT
        replayed_movements_in_order.lot_id,
        replayed_movements_in_order.event_id,
        replayed_movements_in_order.action,
        replayed_movements_in_order.points,
        replayed_ledger_events.turn
    FROM replayed_movements_in_order
    INNER JOIN replayed_ledger_events
        ON replayed_movements_in_order.event_id = replayed_ledger_events.event_id
        AND replayed_movements_in_order.action = replayed_ledger_events.action
),

found AS (
    SELECT
        replayed_ledger_events.event_id,
        replayed_ledger_events.action,
        replayed_ledger_events.on_day,
        replayed_ledger_lots.lot_id,
        replayed_ledger_lots.kind,
        replayed_ledger_lots.credited_on,
        CASE
            WHEN replayed_ledger_lots.changes_on <= replayed_ledger_events.on_day
                THEN replayed_ledger_lots.changed_expires_on
            ELSE replayed_ledger_lots.expires_on
        END AS last_day,
        replayed_ledger_lots.refundable,
        replayed_ledger_lots.remaining
        + SUM(
            CASE
                WHEN moves.turn < replayed_ledger_events.turn
                    OR (
                        moves.turn = replayed_ledger_events.turn
                        AND moves.event_id < replayed_ledger_events.event_id
                    )
                    THEN moves.points
                ELSE 0
            END
        ) AS before,
        SUM(
            CASE
                WHEN moves.event_id = replayed_ledger_events.event_id
                    AND moves.action = replayed_ledger_events.action
                    THEN moves.points
                ELSE 0
            END
        ) AS moved
    FROM replayed_ledger_events
    INNER JOIN replayed_ledger_lots
        ON replayed_ledger_events.customer_id = replayed_ledger_lots.customer_id
    LEFT JOIN moves ON replayed_ledger_lots.lot_id = moves.lot_id
    GROUP BY
        replayed_ledger_events.event_id,
        replayed_ledger_events.action,
        replayed_ledger_events.on_day,
        replayed_ledger_events.turn,
        replayed_ledger_lots.lot_id,
        replayed_ledger_lots.kind,
        replayed_ledger_lots.credited_on,
        replayed_ledger_lots.changes_on,
        replayed_ledger_lots.changed_expires_on,
        replayed_ledger_lots.expires_on,
        replayed_ledger_lots.refundable,
        replayed_ledger_lots.remaining
)

SELECT
    CAST(found.event_id AS VARCHAR) AS event_id,
    CAST(found.action AS VARCHAR) AS action,
    CAST(
        CASE
            WHEN found.moved > 0 AND found.last_day < found.on_day THEN 'given_back_lapsed'
            WHEN found.moved > 0 THEN 'given_back'
            WHEN found.moved < 0 THEN 'taken'
            WHEN found.credited_on > found.on_day THEN 'to_come'
            WHEN found.last_day < found.on_day THEN 'lapsed'
            ELSE 'usable'
        END
        AS VARCHAR
    ) AS said,
    CAST(found.credited_on <= found.on_day AND found.last_day >= found.on_day AS BOOLEAN) AS usable,
    CAST(found.lot_id AS VARCHAR) AS lot_id,
    CAST(found.kind AS VARCHAR) AS kind,
    CAST(found.credited_on AS DATE) AS credited_on,
    CAST(found.last_day AS DATE) AS expires_on,
    CAST(found.refundable AS BOOLEAN) AS refundable,
    CAST(found.before AS BIGINT) AS before,
    CAST(found.moved AS BIGINT) AS moved,
    CAST(found.before + found.moved AS BIGINT) AS after
FROM found
WHERE found.before <> 0 OR found.moved <> 0
