-- purpose: What a ledger opens with, by kind and by when it lapses
-- grain: one row per kind and month of the last day; the month is null for what does not lapse
-- keys: kind, last_month
-- inputs: delivered_lots(owner, kind, expires_on, remaining)
-- policy: none
-- rules: P12
WITH lots AS (
    SELECT
        delivered_lots.owner,
        delivered_lots.kind,
        strftime(delivered_lots.expires_on, '%Y-%m') AS last_month,
        delivered_lots.remaining
    FROM delivered_lots
)

SELECT
    CAST(lots.kind AS VARCHAR) AS kind,
    CAST(lots.last_month AS VARCHAR) AS last_month,
    CAST(COUNT(*) AS BIGINT) AS lots,
    CAST(COUNT(DISTINCT lots.owner) AS BIGINT) AS owners,
    CAST(SUM(lots.remaining) AS BIGINT) AS remaining
FROM lots
GROUP BY lots.kind, lots.last_month
ORDER BY kind, last_month
