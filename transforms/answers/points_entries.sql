-- purpose: Every movement of the customer's points of the span, or of the asked lot
-- grain: one row per lot and movement
-- keys: period, lot_id, source_id, kind
-- inputs: published_point_entries(kind, period, occurred_at, lot_id, source_id, points, cause,
--   lot_kind, credited_on, expires_on, shortened_from), points_span(last_day, lot_id)
-- policy: none
-- rules: P2, P11
-- kept: table
SELECT
    CAST(published_point_entries.kind AS VARCHAR) AS said,
    CAST(published_point_entries.period AS VARCHAR) AS period,
    CAST(published_point_entries.occurred_at AS TIMESTAMP) AS occurred_at,
    CAST(published_point_entries.kind AS VARCHAR) AS kind,
    CAST(published_point_entries.lot_id AS VARCHAR) AS lot_id,
    CAST(published_point_entries.source_id AS VARCHAR) AS source_id,
    CAST(published_point_entries.points AS BIGINT) AS points,
    CAST(published_point_entries.cause AS VARCHAR) AS cause,
    CAST(published_point_entries.lot_kind AS VARCHAR) AS lot_kind,
    CAST(published_point_entries.credited_on AS DATE) AS credited_on,
    CAST(published_point_entries.expires_on AS DATE) AS expires_on,
    CAST(published_point_entries.shortened_from AS DATE) AS shortened_from
FROM published_point_entries
INNER JOIN points_span
    ON CAST(published_point_entries.occurred_at AS DATE) <= points_span.last_day
    AND (points_span.lot_id IS NULL OR published_point_entries.lot_id = points_span.lot_id)
ORDER BY
    period,
    occurred_at,
    kind,
    source_id,
    lot_id
