-- purpose: The balances' totals are those of the lots before and after, and of the entries
-- grain: one row with the totals where they differ; none where the claim holds
-- keys: none
-- inputs: point_balances(opening, credited, spent, restored, expired, closing),
--   opening_lots(remaining), point_entries(points), point_lots(remaining)
-- policy: none
-- rules: P11
WITH balances AS (
    SELECT
        COALESCE(SUM(point_balances.opening), 0) AS opening,
        COALESCE(
            SUM(
                point_balances.credited
                - point_balances.spent
                + point_balances.restored
                - point_balances.expired
            ),
            0
        ) AS moved,
        COALESCE(SUM(point_balances.closing), 0) AS closing
    FROM point_balances
),

lots_before AS (
    SELECT COALESCE(SUM(opening_lots.remaining), 0) AS points
    FROM opening_lots
),

entries AS (
    SELECT COALESCE(SUM(point_entries.points), 0) AS points
    FROM point_entries
),

lots_after AS (
    SELECT COALESCE(SUM(point_lots.remaining), 0) AS points
    FROM point_lots
)

SELECT
    CAST(balances.opening AS BIGINT) AS opening,
    CAST(lots_before.points AS BIGINT) AS lots_before,
    CAST(balances.moved AS BIGINT) AS moved,
    CAST(entries.points AS BIGINT) AS entries,
    CAST(balances.closing AS BIGINT) AS closing,
    CAST(lots_after.points AS BIGINT) AS lots_after
FROM balances
CROSS JOIN lots_before
CROSS JOIN entries
CROSS JOIN lots_after
WHERE balances.opening <> lots_before.points
    OR balances.moved <> entries.points
    OR balances.closing <> lots_after.points
