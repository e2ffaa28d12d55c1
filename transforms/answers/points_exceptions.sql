-- purpose: Credits of the span that went to nobody, as their customer is not known
-- grain: one row per such credit
-- keys: source_id
-- inputs: published_point_exceptions(reason, source_id, kind, points)
-- policy: none
-- rules: P1
SELECT
    CAST(published_point_exceptions.reason AS VARCHAR) AS said,
    CAST(FALSE AS BOOLEAN) AS passed,
    CAST(published_point_exceptions.source_id AS VARCHAR) AS lot_id,
    CAST(published_point_exceptions.kind AS VARCHAR) AS kind,
    CAST(published_point_exceptions.points AS BIGINT) AS points,
    CAST(published_point_exceptions.reason AS VARCHAR) AS reason
FROM published_point_exceptions
ORDER BY lot_id
