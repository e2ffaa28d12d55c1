-- purpose: What is left at the end, by its last day, with the latest notice of it by then
-- grain: one row per last day of lots with points left
-- keys: expires_on
-- inputs: published_expiry_notices(expires_on, month, cause), points_span(last_month, last_day),
--   points_lots(expires_on, outcome)
-- policy: none
-- rules: P9, P10
WITH notices AS (
    SELECT published_expiry_notices.expires_on, MAX(published_expiry_notices.month) AS noticed_month
    FROM published_expiry_notices
    INNER JOIN points_span ON published_expiry_notices.month <= points_span.last_month
    WHERE published_expiry_notices.cause <> 'inactivity'
    GROUP BY published_expiry_notices.expires_on
),

open_lots AS (
    SELECT points_lots.expires_on, SUM(points_lots.outcome) AS points, COUNT(*) AS lots
    FROM points_lots
    WHERE points_lots.outcome <> 0
    GROUP BY points_lots.expires_on
)

SELECT
    CAST(
        CASE
            WHEN open_lots.expires_on < points_span.last_day THEN 'past'
            WHEN notices.noticed_month IS NULL THEN 'not_told_yet'
            ELSE 'told'
        END
        AS VARCHAR
    ) AS said,
    CAST(open_lots.points AS BIGINT) AS outcome,
    CAST(open_lots.expires_on AS DATE) AS expires_on,
    CAST(open_lots.lots AS BIGINT) AS lots,
    CAST(notices.noticed_month AS VARCHAR) AS noticed_month
FROM open_lots
CROSS JOIN points_span
LEFT JOIN notices ON open_lots.expires_on = notices.expires_on
ORDER BY expires_on
