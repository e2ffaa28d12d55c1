-- purpose: Of what a redemption took from a lot no more comes back than that, by all cancellations of
--   it; and all of it where one of them says so
-- grain: one row per lot of a cancelled redemption of which that is not so; none where the claim holds
-- keys: cancels, lot_id
-- inputs: redemption_results(redemption_id, customer_id, points, cancels, status),
--   earlier_results(redemption_id, customer_id, points, cancels, status),
--   point_entries(customer_id, lot_id, source_id, kind, points),
--   earlier_entries(customer_id, lot_id, source_id, kind, points)
-- policy: none
-- rules: P5, P11
WITH named AS (
    SELECT DISTINCT redemption_results.cancels, redemption_results.customer_id
    FROM redemption_results
    WHERE redemption_results.cancels IS NOT NULL AND redemption_results.status = 'accepted'
),

-- joined, so that the earlier months are read only for what this one cancels
cancellations AS (
    SELECT
        redemption_results.redemption_id,
        redemption_results.customer_id,
        redemption_results.cancels,
        redemption_results.points = 0 AS is_whole
    FROM redemption_results
    WHERE redemption_results.cancels IS NOT NULL AND redemption_results.status = 'accepted'
    UNION ALL
    SELECT
        earlier_results.redemption_id,
        earlier_results.customer_id,
        earlier_results.cancels,
        earlier_results.points = 0 AS is_whole
    FROM earlier_results
    INNER JOIN named
        ON earlier_results.cancels = named.cancels
        AND earlier_results.customer_id = named.customer_id
    WHERE earlier_results.status = 'accepted'
),

entries AS (
    SELECT
        point_entries.customer_id,
        point_entries.lot_id,
        point_entries.source_id,
        point_entries.kind,
        point_entries.points
    FROM point_entries
    WHERE point_entries.kind IN ('redemption', 'cancellation')
    UNION ALL
    SELECT
        earlier_entries.customer_id,
        earlier_entries.lot_id,
        earlier_entries.source_id,
        earlier_entries.kind,
        earlier_entries.points
    FROM earlier_entries
    WHERE earlier_entries.kind IN ('redemption', 'cancellation')
),

moved AS (
    SELECT named.cancels, entries.lot_id, -entries.points AS taken, 0 AS given_back
    FROM entries
    INNER JOIN named
        ON entries.source_id = named.cancels
        AND entries.customer_id = named.customer_id
    WHERE entries.kind = 'redemption'
    UNION ALL
    SELECT cancellations.cancels, entries.lot_id, 0 AS taken, entries.points AS given_back
    FROM entries
    INNER JOIN cancellations
        ON entries.source_id = cancellations.redemption_id
        AND entries.customer_id = cancellations.customer_id
    WHERE entries.kind = 'cancellation'
),

lots AS (
    SELECT
        moved.cancels,
        moved.lot_id,
        SUM(moved.taken) AS taken,
        SUM(moved.given_back) AS given_back
    FROM moved
    GROUP BY moved.cancels, moved.lot_id
),

whole AS (
    SELECT DISTINCT cancellations.cancels
    FROM cancellations
    WHERE cancellations.is_whole
)

SELECT
    CAST(lots.cancels AS VARCHAR) AS cancels,
    CAST(lots.lot_id AS VARCHAR) AS lot_id,
    CAST(lots.taken AS BIGINT) AS taken_points,
    CAST(lots.given_back AS BIGINT) AS given_back_points
FROM lots
LEFT JOIN whole ON lots.cancels = whole.cancels
WHERE lots.given_back > lots.taken
    OR (whole.cancels IS NOT NULL AND lots.given_back < lots.taken)
ORDER BY cancels, lot_id
