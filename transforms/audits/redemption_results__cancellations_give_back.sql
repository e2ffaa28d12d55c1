-- purpose: An accepted cancellation gives back the points that it says, and a rejected one nothing
-- grain: one row per cancellation of which that is not so; none where the claim holds
-- keys: redemption_id
-- inputs: redemption_results(redemption_id, points, cancels, status),
--   point_entries(source_id, kind, points)
-- policy: none
-- rules: P5, P11
WITH given_back AS (
    SELECT point_entries.source_id, SUM(point_entries.points) AS points
    FROM point_entries
    WHERE point_entries.kind = 'cancellation'
    GROUP BY point_entries.source_id
),

accepted AS (
    SELECT redemption_results.redemption_id, redemption_results.points
    FROM redemption_results
    WHERE redemption_results.cancels IS NOT NULL AND redemption_results.status = 'accepted'
)

SELECT
    CAST(COALESCE(accepted.redemption_id, given_back.source_id) AS VARCHAR) AS redemption_id,
    CAST(accepted.points AS BIGINT) AS points,
    CAST(given_back.points AS BIGINT) AS given_back_points
FROM accepted
FULL JOIN given_back ON accepted.redemption_id = given_back.source_id
-- of 0 points: all that is left, which is another audit's
WHERE accepted.points IS NULL
    OR (accepted.points > 0 AND accepted.points IS DISTINCT FROM given_back.points)
ORDER BY redemption_id
