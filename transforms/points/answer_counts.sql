-- purpose: A month's answers to redemptions, cancellations and refund applications, for the summary
-- grain: one row per kind of request, status and reason
-- keys: request, status, reason
-- inputs: redemption_results(points, cancels, status, reason), refund_results(points, status, reason)
-- policy: none
-- rules: P4, P5, P6
WITH answers AS (
    SELECT
        CASE WHEN redemption_results.cancels IS NULL THEN 'redemption' ELSE 'cancellation' END
            AS request,
        redemption_results.status,
        redemption_results.reason,
        redemption_results.points
    FROM redemption_results
    UNION ALL
    SELECT
        'refund' AS request,
        refund_results.status,
        refund_results.reason,
        refund_results.points
    FROM refund_results
)

SELECT
    CAST(answers.request AS VARCHAR) AS request,
    CAST(answers.status AS VARCHAR) AS status,
    CAST(answers.reason AS VARCHAR) AS reason,
    CAST(COUNT(*) AS BIGINT) AS requests,
    CAST(SUM(answers.points) AS BIGINT) AS points
FROM answers
GROUP BY answers.request, answers.status, answers.reason
ORDER BY request, status, reason
