-- purpose: Every grant of the month became a lot of as many points, and no other grant did
-- grain: one row per lot of which that is not so; none where the claim holds
-- keys: lot_id
-- inputs: point_entries(lot_id, customer_id, kind, points),
--   point_grants(lot_id, customer_id, points, credited_on), point_exceptions(source_id),
--   run_context(first_day, last_day)
-- policy: none
-- rules: G2, P1
WITH due AS (
    SELECT point_grants.lot_id, point_grants.customer_id, point_grants.points
    FROM point_grants
    CROSS JOIN run_context
    LEFT JOIN point_exceptions ON point_grants.lot_id = point_exceptions.source_id
    WHERE point_grants.credited_on BETWEEN run_context.first_day AND run_context.last_day
        AND point_exceptions.source_id IS NULL
),

credited AS (
    SELECT point_entries.lot_id, point_entries.customer_id, point_entries.points
    FROM point_entries
    WHERE point_entries.kind = 'membership'
)

SELECT
    CAST(COALESCE(due.lot_id, credited.lot_id) AS VARCHAR) AS lot_id,
    CAST(due.points AS BIGINT) AS granted,
    CAST(credited.points AS BIGINT) AS credited
FROM due
FULL JOIN credited
    ON due.lot_id = credited.lot_id
    AND due.customer_id = credited.customer_id
WHERE due.points IS DISTINCT FROM credited.points
ORDER BY lot_id
