-- purpose: The points with which the request would have been answered otherwise: fewer where it asked
--   for too many, more where it was covered
-- grain: one row, none where its points did not decide
-- keys: none
-- inputs: redemption_balance(usable, short, over), redemption_left(left_of_it, over)
-- policy: none
-- rules: P4, P5
WITH others AS (
    SELECT
        'fewer' AS said,
        redemption_balance.usable AS points,
        redemption_balance.short AS difference
    FROM redemption_balance
    WHERE redemption_balance.short IS NOT NULL
        AND redemption_balance.usable > 0
    UNION ALL
    SELECT
        'more' AS said,
        redemption_balance.usable + 1 AS points,
        redemption_balance.over + 1 AS difference
    FROM redemption_balance
    WHERE redemption_balance.over IS NOT NULL
    UNION ALL
    SELECT
        'fewer' AS said,
        redemption_left.left_of_it AS points,
        redemption_left.over AS difference
    FROM redemption_left
    WHERE redemption_left.over IS NOT NULL
)

SELECT
    CAST(others.said AS VARCHAR) AS said,
    CAST(others.points AS BIGINT) AS points,
    CAST(others.difference AS BIGINT) AS difference
FROM others
