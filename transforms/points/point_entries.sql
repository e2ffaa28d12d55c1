-- purpose: Every movement of points in a period, by lot
-- grain: one row per lot and movement of the period
-- keys: customer_id, lot_id, source_id, kind
-- inputs: movements_in_order(customer_id, lot_id, event_id, action, kind, occurred_at, on_day, points,
--   cause, credited_on, expires_on, refundable, credited, shortened_from, changes_on,
--   changed_expires_on)
-- policy: none
-- rules: P1, P3, P5, P6, P7, P8, P9
SELECT
    CAST(movements_in_order.customer_id AS VARCHAR) AS customer_id,
    CAST(movements_in_order.lot_id AS VARCHAR) AS lot_id,
    CAST(COALESCE(movements_in_order.event_id, movements_in_order.lot_id) AS VARCHAR) AS source_id,
    CAST(
        CASE
            -- a credit is a movement that no event made, of the kind of its lot
            WHEN movements_in_order.action IS NULL THEN movements_in_order.kind
            WHEN movements_in_order.action = 'spend' THEN 'redemption'
            WHEN movements_in_order.action = 'cancel' THEN 'cancellation'
            WHEN movements_in_order.action = 'spend_refundable' THEN 'refund'
            -- expiry or extension, which the sweep calls as this table does
            ELSE movements_in_order.action
        END
        AS VARCHAR
    ) AS kind,
    CAST(
        COALESCE(
            movements_in_order.occurred_at, CAST(movements_in_order.credited_on AS TIMESTAMP)
        )
        AS TIMESTAMP
    ) AS occurred_at,
    CAST(movements_in_order.points AS BIGINT) AS points,
    CAST(movements_in_order.cause AS VARCHAR) AS cause,
    CAST(movements_in_order.kind AS VARCHAR) AS lot_kind,
    CAST(movements_in_order.credited_on AS DATE) AS credited_on,
    -- on the terms of the day: what moved before a change of policy, and a credit, on those before
    CAST(
        CASE
            WHEN movements_in_order.changes_on <= movements_in_order.on_day
                THEN movements_in_order.changed_expires_on
            ELSE movements_in_order.expires_on
        END
        AS DATE
    ) AS expires_on,
    CAST(movements_in_order.refundable AS BOOLEAN) AS refundable,
    CAST(movements_in_order.credited AS BIGINT) AS credited,
    CAST(
        CASE
            WHEN movements_in_order.changes_on <= movements_in_order.on_day
                THEN COALESCE(movements_in_order.shortened_from, movements_in_order.expires_on)
            ELSE movements_in_order.shortened_from
        END
        AS DATE
    ) AS shortened_from
FROM movements_in_order
