-- purpose: A month's notices, for the summary
-- grain: one row per cause and lead, and whether the customers can be reached
-- keys: cause, lead_months, reachable
-- inputs: expiry_notices(customer_id, cause, lead_months, points, reachable)
-- policy: none
-- rules: P10
SELECT
    CAST(expiry_notices.cause AS VARCHAR) AS cause,
    CAST(expiry_notices.lead_months AS BIGINT) AS lead_months,
    CAST(expiry_notices.reachable AS BOOLEAN) AS reachable,
    CAST(COUNT(DISTINCT expiry_notices.customer_id) AS BIGINT) AS customers,
    CAST(SUM(expiry_notices.points) AS BIGINT) AS points
FROM expiry_notices
GROUP BY expiry_notices.cause, expiry_notices.lead_months, expiry_notices.reachable
ORDER BY cause, lead_months, reachable
