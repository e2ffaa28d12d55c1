-- purpose: Every movement of points in a period, by lot
-- grain: one row per lot and movement of the period
-- keys: customer_id, lot_id, source_id, kind
-- inputs: period_entries(customer_id, lot_id, source_id, kind, occurred_at, points, cause, lot_kind,
--   credited_on, expires_on, refundable, credited, shortened_from)
-- policy: none
-- rules: P1, P3, P5, P6, P8, P9
SELECT
    CAST(period_entries.customer_id AS VARCHAR) AS customer_id,
    CAST(period_entries.lot_id AS VARCHAR) AS lot_id,
    CAST(period_entries.source_id AS VARCHAR) AS source_id,
    CAST(period_entries.kind AS VARCHAR) AS kind,
    CAST(period_entries.occurred_at AS TIMESTAMP) AS occurred_at,
    CAST(period_entries.points AS BIGINT) AS points,
    CAST(period_entries.cause AS VARCHAR) AS cause,
    CAST(period_entries.lot_kind AS VARCHAR) AS lot_kind,
    CAST(period_entries.credited_on AS DATE) AS credited_on,
    CAST(period_entries.expires_on AS DATE) AS expires_on,
    CAST(period_entries.refundable AS BOOLEAN) AS refundable,
    CAST(period_entries.credited AS BIGINT) AS credited,
    CAST(period_entries.shortened_from AS DATE) AS shortened_from
FROM period_entries
ORDER BY customer_id, lot_id, source_id, kind
