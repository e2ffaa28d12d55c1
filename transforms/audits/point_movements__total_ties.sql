-- purpose: What moved adds up to what the balances closed with less what they opened with
-- grain: one row with both where they differ; none where the claim holds
-- keys: none
-- inputs: point_movements(points), point_balances(opening, closing)
-- policy: none
-- rules: P11
WITH movements AS (
    SELECT COALESCE(SUM(point_movements.points), 0) AS points
    FROM point_movements
),

balances AS (
    SELECT COALESCE(SUM(point_balances.closing - point_balances.opening), 0) AS points
    FROM point_balances
)

SELECT
    CAST(movements.points AS BIGINT) AS moved,
    CAST(balances.points AS BIGINT) AS closed_less_opened
FROM movements
CROSS JOIN balances
WHERE movements.points <> balances.points
