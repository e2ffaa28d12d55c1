-- purpose: An accepted redemption took its points, to the point, and a rejected one took none
-- grain: one row per redemption of which that is not so; none where the claim holds
-- keys: redemption_id
-- inputs: redemption_results(redemption_id, points, cancels, status, reason),
--   point_entries(source_id, kind, points)
-- policy: none
-- rules: P3, P4, P11
-- apart: customer_id
WITH taken AS (
    SELECT point_entries.source_id, -SUM(point_entries.points) AS points
    FROM point_entries
    WHERE point_entries.kind = 'redemption'
    GROUP BY point_entries.source_id
)

SELECT
    CAST(COALESCE(redemption_results.redemption_id, taken.source_id) AS VARCHAR) AS redemption_id,
    CAST(redemption_results.status AS VARCHAR) AS status,
    CAST(redemption_results.points AS BIGINT) AS points,
    CAST(taken.points AS BIGINT) AS taken_points
FROM redemption_results
FULL JOIN taken ON redemption_results.redemption_id = taken.source_id
WHERE redemption_results.redemption_id IS NULL
    OR (redemption_results.status = 'accepted') <> (redemption_results.reason IS NULL)
    OR COALESCE(taken.points, 0) IS DISTINCT FROM CASE
        WHEN redemption_results.status = 'accepted'
            AND redemption_results.cancels IS NULL THEN redemption_results.points
        ELSE 0
    END
ORDER BY redemption_id
