-- question: Which rows of delivered bills and requests were rejected, and why?
-- for: operator
-- tables: quarantine.billing, quarantine.redemptions, quarantine.flights
WITH rejected AS (
    SELECT 'billing' AS export, file, unnest(reasons) AS reason FROM quarantine.billing
    UNION ALL
    SELECT 'redemptions', file, unnest(reasons) FROM quarantine.redemptions
    UNION ALL
    SELECT 'flights', file, unnest(reasons) FROM quarantine.flights
)

SELECT export, file, reason, count(*) AS rows
FROM rejected
GROUP BY export, file, reason
ORDER BY export, file, reason
