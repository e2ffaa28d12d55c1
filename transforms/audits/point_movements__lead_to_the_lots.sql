-- purpose: What lapses in a month at the end of a period is what lapsed in it before, and what moved
-- grain: one row per kind of lot, month of credit and of expiry of which that is not so; none where
--   the claim holds
-- keys: lot_kind, credited_month, expires_month
-- inputs: point_movements(lot_kind, credited_month, expires_month, points),
--   opening_lots(kind, credited_on, expires_on, remaining),
--   point_lots(kind, credited_on, expires_on, remaining)
-- policy: none
-- rules: P7, P8, P11
WITH lots AS (
    SELECT
        opening_lots.kind,
        opening_lots.credited_on,
        opening_lots.expires_on,
        opening_lots.remaining AS points
    FROM opening_lots
    UNION ALL
    SELECT
        point_lots.kind,
        point_lots.credited_on,
        point_lots.expires_on,
        -point_lots.remaining AS points
    FROM point_lots
),

-- by day first, as there are far fewer days than lots
by_day AS (
    SELECT
        lots.kind,
        lots.credited_on,
        lots.expires_on,
        SUM(lots.points) AS points
    FROM lots
    GROUP BY lots.kind, lots.credited_on, lots.expires_on
),

compared AS (
    SELECT
        by_day.kind AS lot_kind,
        strftime(by_day.credited_on, '%Y-%m') AS credited_month,
        strftime(by_day.expires_on, '%Y-%m') AS expires_month,
        by_day.points
    FROM by_day
    UNION ALL
    SELECT
        point_movements.lot_kind,
        point_movements.credited_month,
        point_movements.expires_month,
        point_movements.points
    FROM point_movements
)

SELECT
    CAST(compared.lot_kind AS VARCHAR) AS lot_kind,
    CAST(compared.credited_month AS VARCHAR) AS credited_month,
    CAST(compared.expires_month AS VARCHAR) AS expires_month,
    CAST(SUM(compared.points) AS BIGINT) AS points
FROM compared
GROUP BY compared.lot_kind, compared.credited_month, compared.expires_month
HAVING SUM(compared.points) <> 0
ORDER BY lot_kind, credited_month, expires_month
