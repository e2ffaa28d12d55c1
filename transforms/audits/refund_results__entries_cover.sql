-- purpose: An accepted refund took its points, to the point, and a rejected one took none
-- grain: one row per refund application of which that is not so; none where the claim holds
-- keys: application_id
-- inputs: refund_results(application_id, customer_id, points, status, reason),
--   point_entries(customer_id, source_id, kind, points)
-- policy: none
-- rules: P6, P11
-- apart: customer_id
WITH taken AS (
    SELECT
        point_entries.source_id,
        point_entries.customer_id,
        -SUM(point_entries.points) AS points
    FROM point_entries
    WHERE point_entries.kind = 'refund'
    GROUP BY point_entries.source_id, point_entries.customer_id
)

SELECT
    CAST(COALESCE(refund_results.application_id, taken.source_id) AS VARCHAR) AS application_id,
    CAST(refund_results.status AS VARCHAR) AS status,
    CAST(refund_results.points AS BIGINT) AS points,
    CAST(taken.points AS BIGINT) AS taken_points
FROM refund_results
FULL JOIN taken
    ON refund_results.application_id = taken.source_id
    AND refund_results.customer_id = taken.customer_id
WHERE refund_results.application_id IS NULL
    OR (refund_results.status = 'accepted') <> (refund_results.reason IS NULL)
    OR COALESCE(taken.points, 0) IS DISTINCT FROM CASE
        WHEN refund_results.status = 'accepted' THEN refund_results.points
        ELSE 0
    END
ORDER BY application_id
