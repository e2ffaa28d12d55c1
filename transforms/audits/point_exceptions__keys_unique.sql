-- purpose: No credit has two rows in point_exceptions
-- grain: one row per credit with more than one row; none where the claim holds
-- keys: source_id
-- inputs: point_exceptions(source_id)
-- policy: none
-- rules: P1, Q1
SELECT
    CAST(point_exceptions.source_id AS VARCHAR) AS source_id,
    CAST(COUNT(*) AS BIGINT) AS copies
FROM point_exceptions
GROUP BY point_exceptions.source_id
HAVING COUNT(*) > 1
ORDER BY source_id
