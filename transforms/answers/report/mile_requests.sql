-- purpose: Award requests and payments in cash and miles of the last 13 months, by answer
-- grain: one row per kind of request, answer and reason
-- keys: request, status, reason
-- inputs: award_results(month, kind, miles, status, reason),
--   mixed_payment_results(month, miles, status, reason), run_context(last_month, year_ago_month)
-- policy: none
-- rules: W5, X1
WITH requests AS (
    SELECT
        award_results.month,
        'award ' || award_results.kind AS request,
        award_results.status,
        award_results.reason,
        award_results.miles
    FROM award_results
    UNION ALL
    SELECT
        mixed_payment_results.month,
        'mixed payment' AS request,
        mixed_payment_results.status,
        mixed_payment_results.reason,
        mixed_payment_results.miles
    FROM mixed_payment_results
)

SELECT
    CAST(requests.request AS VARCHAR) AS request,
    CAST(requests.status AS VARCHAR) AS status,
    CAST(requests.reason AS VARCHAR) AS reason,
    CAST(COUNT(*) AS BIGINT) AS requests,
    CAST(COALESCE(SUM(requests.miles), 0) AS BIGINT) AS miles
FROM requests
CROSS JOIN run_context
WHERE requests.month >= run_context.year_ago_month
    AND requests.month <= run_context.last_month
GROUP BY requests.request, requests.status, requests.reason
ORDER BY request, status, reason
