-- purpose: What moved the points of a month: credits, and what the fold took or gave back
-- grain: one row per lot and movement
-- keys: customer_id, lot_id, source_id, kind
-- inputs: point_credits(lot_id, customer_id, kind, credited_on, expires_on, refundable, points,
--   known), takings(lot_id, kind, credited_on, expires_on, refundable, credited, shortened_from,
--   changes_on, changed_expires_on, customer_id, event_id, occurred_at, on_day, action, points)
-- policy: none
-- rules: P1, P3, P5, P6
WITH takings_on_terms AS (
    SELECT
        takings.*,
        takings.changes_on IS NOT NULL AND takings.changes_on <= takings.on_day AS has_changed
    FROM takings
),

-- materialized, as DuckDB can't spill the sort of a union
entries AS MATERIALIZED (
    SELECT
        point_credits.customer_id,
        point_credits.lot_id,
        point_credits.lot_id AS source_id,
        point_credits.kind,
        CAST(point_credits.credited_on AS TIMESTAMP) AS occurred_at,
        point_credits.points,
        point_credits.kind AS lot_kind,
        point_credits.credited_on,
        point_credits.expires_on,
        point_credits.refundable,
        point_credits.points AS credited,
        CAST(NULL AS DATE) AS shortened_from
    FROM point_credits
    WHERE point_credits.known
    UNION ALL
    SELECT
        takings_on_terms.customer_id,
        takings_on_terms.lot_id,
        takings_on_terms.event_id AS source_id,
        CASE takings_on_terms.action
            WHEN 'spend' THEN 'redemption'
            WHEN 'cancel' THEN 'cancellation'
            ELSE 'refund'
        END AS kind,
        takings_on_terms.occurred_at,
        takings_on_terms.points,
        takings_on_terms.kind AS lot_kind,
        takings_on_terms.credited_on,
        CASE
            WHEN takings_on_terms.has_changed THEN takings_on_terms.changed_expires_on
            ELSE takings_on_terms.expires_on
        END AS expires_on,
        takings_on_terms.refundable,
        takings_on_terms.credited,
        CASE
            WHEN takings_on_terms.has_changed
                THEN COALESCE(takings_on_terms.shortened_from, takings_on_terms.expires_on)
            ELSE takings_on_terms.shortened_from
        END AS shortened_from
    FROM takings_on_terms
)

SELECT
    CAST(entries.customer_id AS VARCHAR) AS customer_id,
    CAST(entries.lot_id AS VARCHAR) AS lot_id,
    CAST(entries.source_id AS VARCHAR) AS source_id,
    CAST(entries.kind AS VARCHAR) AS kind,
    CAST(entries.occurred_at AS TIMESTAMP) AS occurred_at,
    CAST(entries.points AS BIGINT) AS points,
    CAST(NULL AS VARCHAR) AS cause,
    CAST(entries.lot_kind AS VARCHAR) AS lot_kind,
    CAST(entries.credited_on AS DATE) AS credited_on,
    CAST(entries.expires_on AS DATE) AS expires_on,
    CAST(entries.refundable AS BOOLEAN) AS refundable,
    CAST(entries.credited AS BIGINT) AS credited,
    CAST(entries.shortened_from AS DATE) AS shortened_from
FROM entries
