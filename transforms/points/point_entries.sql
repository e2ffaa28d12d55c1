-- purpose: Every movement of points in a period, by lot
-- grain: one row per lot and movement of the period
-- keys: customer_id, lot_id, source_id, kind
-- inputs: entries_in_order(customer_id, lot_id, source_id, kind, occurred_at, points, cause,
--   lot_kind, credited_on, expires_on, refundable, credited, shortened_from)
-- policy: none
-- rules: P1, P3, P5, P6, P8, P9
SELECT
    CAST(entries_in_order.customer_id AS VARCHAR) AS customer_id,
    CAST(entries_in_order.lot_id AS VARCHAR) AS lot_id,
    CAST(entries_in_order.source_id AS VARCHAR) AS source_id,
    CAST(entries_in_order.kind AS VARCHAR) AS kind,
    CAST(entries_in_order.occurred_at AS TIMESTAMP) AS occurred_at,
    CAST(entries_in_order.points AS BIGINT) AS points,
    CAST(entries_in_order.cause AS VARCHAR) AS cause,
    CAST(entries_in_order.lot_kind AS VARCHAR) AS lot_kind,
    CAST(entries_in_order.credited_on AS DATE) AS credited_on,
    CAST(entries_in_order.expires_on AS DATE) AS expires_on,
    CAST(entries_in_order.refundable AS BOOLEAN) AS refundable,
    CAST(entries_in_order.credited AS BIGINT) AS credited,
    CAST(entries_in_order.shortened_from AS DATE) AS shortened_from
FROM entries_in_order
