-- purpose: What moved the points of a month: credits, and what the fold took or gave back, in the
--   order of point_entries
-- grain: one row per lot and movement
-- keys: customer_id, lot_id, source_id, kind
-- inputs: movements(lot_id, kind, credited_on, expires_on, refundable, credited, shortened_from,
--   changes_on, changed_expires_on, customer_id, event_id, occurred_at, on_day, action, points)
-- policy: none
-- rules: P1, P3, P5, P6
WITH movements_on_terms AS (
    SELECT
        movements.*,
        movements.changes_on IS NOT NULL AND movements.changes_on <= movements.on_day AS has_changed
    FROM movements
)

-- a credit is a movement without an event
SELECT
    CAST(movements_on_terms.customer_id AS VARCHAR) AS customer_id,
    CAST(movements_on_terms.lot_id AS VARCHAR) AS lot_id,
    CAST(COALESCE(movements_on_terms.event_id, movements_on_terms.lot_id) AS VARCHAR) AS source_id,
    CAST(
        CASE movements_on_terms.action
            WHEN 'spend' THEN 'redemption'
            WHEN 'cancel' THEN 'cancellation'
            WHEN 'spend_refundable' THEN 'refund'
            ELSE movements_on_terms.kind
        END
        AS VARCHAR
    ) AS kind,
    CAST(
        COALESCE(
            movements_on_terms.occurred_at, CAST(movements_on_terms.credited_on AS TIMESTAMP)
        )
        AS TIMESTAMP
    ) AS occurred_at,
    CAST(COALESCE(movements_on_terms.points, movements_on_terms.credited) AS BIGINT) AS points,
    CAST(NULL AS VARCHAR) AS cause,
    CAST(movements_on_terms.kind AS VARCHAR) AS lot_kind,
    CAST(movements_on_terms.credited_on AS DATE) AS credited_on,
    CAST(
        CASE
            WHEN movements_on_terms.has_changed THEN movements_on_terms.changed_expires_on
            ELSE movements_on_terms.expires_on
        END
        AS DATE
    ) AS expires_on,
    CAST(movements_on_terms.refundable AS BOOLEAN) AS refundable,
    CAST(movements_on_terms.credited AS BIGINT) AS credited,
    CAST(
        CASE
            WHEN movements_on_terms.has_changed
                THEN COALESCE(movements_on_terms.shortened_from, movements_on_terms.expires_on)
            ELSE movements_on_terms.shortened_from
        END
        AS DATE
    ) AS shortened_from
FROM movements_on_terms
