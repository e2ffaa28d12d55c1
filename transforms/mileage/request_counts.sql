-- purpose: How the month's award requests and mixed payments were answered, for the run's summary
-- grain: one row per kind of request and answer
-- keys: request, reason
-- inputs: award_results(miles, reason), mixed_payment_results(miles, reason)
-- policy: none
-- rules: W5, X1
WITH answers AS (
    SELECT 'award' AS request, award_results.reason, award_results.miles
    FROM award_results
    UNION ALL
    SELECT
        'mixed_payment' AS request,
        mixed_payment_results.reason,
        mixed_payment_results.miles
    FROM mixed_payment_results
)

SELECT
    CAST(answers.request AS VARCHAR) AS request,
    CAST(answers.reason AS VARCHAR) AS reason,
    CAST(COUNT(*) AS BIGINT) AS requests,
    CAST(COALESCE(SUM(answers.miles), 0) AS BIGINT) AS miles
FROM answers
GROUP BY answers.request, answers.reason
ORDER BY request, reason NULLS FIRST
