-- purpose: The requests for points of the last 12 months that were rejected, by reason
-- grain: one row per kind of request and reason
-- keys: request, reason
-- inputs: redemption_results(month, points, cancels, reason, status),
--   refund_results(month, points, reason, status), run_context(last_month, year_ago_month)
-- policy: none
-- rules: P4, P5, P6
WITH requests AS (
    SELECT
        redemption_results.month,
        CASE WHEN redemption_results.cancels IS NULL THEN 'redemption' ELSE 'cancellation' END
            AS request,
        redemption_results.reason,
        redemption_results.points
    FROM redemption_results
    WHERE redemption_results.status = 'rejected'
    UNION ALL
    SELECT
        refund_results.month,
        'refund' AS request,
        refund_results.reason,
        refund_results.points
    FROM refund_results
    WHERE refund_results.status = 'rejected'
)

SELECT
    CAST(requests.request AS VARCHAR) AS request,
    CAST(requests.reason AS VARCHAR) AS reason,
    CAST(COUNT(*) AS BIGINT) AS requests,
    CAST(SUM(requests.points) AS BIGINT) AS points
FROM requests
CROSS JOIN run_context
WHERE requests.month > run_context.year_ago_month
    AND requests.month <= run_context.last_month
GROUP BY requests.request, requests.reason
ORDER BY requests DESC, request, reason
