-- purpose: An accepted cancellation gives back what its redemption took, to the point and the lot,
--   and a rejected one nothing
-- grain: one row per lot and cancellation of which that is not so; none where the claim holds
-- keys: redemption_id, lot_id
-- inputs: redemption_results(redemption_id, cancels, status),
--   point_entries(lot_id, source_id, kind, points),
--   earlier_entries(lot_id, source_id, kind, points)
-- policy: none
-- rules: P5, P11
WITH cancellations AS (
    SELECT
        redemption_results.redemption_id,
        redemption_results.cancels
    FROM redemption_results
    WHERE redemption_results.cancels IS NOT NULL AND redemption_results.status = 'accepted'
),

taken AS (
    SELECT
        cancellations.redemption_id,
        point_entries.lot_id,
        -point_entries.points AS points
    FROM point_entries
    INNER JOIN cancellations
        ON point_entries.source_id = cancellations.cancels
    WHERE point_entries.kind = 'redemption'
    UNION ALL
    SELECT
        cancellations.redemption_id,
        earlier_entries.lot_id,
        -earlier_entries.points AS points
    FROM earlier_entries
    INNER JOIN cancellations
        ON earlier_entries.source_id = cancellations.cancels
    WHERE earlier_entries.kind = 'redemption'
),

given_back AS (
    SELECT
        point_entries.source_id AS redemption_id,
        point_entries.lot_id,
        point_entries.points
    FROM point_entries
    WHERE point_entries.kind = 'cancellation'
)

SELECT
    CAST(COALESCE(taken.redemption_id, given_back.redemption_id) AS VARCHAR) AS redemption_id,
    CAST(COALESCE(taken.lot_id, given_back.lot_id) AS VARCHAR) AS lot_id,
    CAST(taken.points AS BIGINT) AS taken_points,
    CAST(given_back.points AS BIGINT) AS given_back_points
FROM taken
FULL JOIN given_back
    ON taken.redemption_id = given_back.redemption_id
    AND taken.lot_id = given_back.lot_id
WHERE taken.points IS DISTINCT FROM given_back.points
ORDER BY redemption_id, lot_id
