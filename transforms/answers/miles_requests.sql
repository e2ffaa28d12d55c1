-- purpose: The member's award requests and mixed payments of the month, with their answers
-- grain: one row per request or payment
-- keys: kind, source_id
-- inputs: published_award_results(request_id, requested_at, miles, status, reason),
--   published_mixed_payment_results(payment_id, paid_at, miles, status, reason)
-- policy: none
-- rules: W5, X1, X2
WITH requests AS (
    SELECT
        'award' AS kind,
        published_award_results.request_id AS source_id,
        published_award_results.requested_at AS occurred_at,
        published_award_results.miles,
        published_award_results.status,
        published_award_results.reason
    FROM published_award_results
    UNION ALL
    SELECT
        'mixed_payment' AS kind,
        published_mixed_payment_results.payment_id AS source_id,
        published_mixed_payment_results.paid_at AS occurred_at,
        published_mixed_payment_results.miles,
        published_mixed_payment_results.status,
        published_mixed_payment_results.reason
    FROM published_mixed_payment_results
)

SELECT
    CAST(requests.status AS VARCHAR) AS said,
    CAST(requests.status = 'accepted' AS BOOLEAN) AS passed,
    CAST(requests.kind AS VARCHAR) AS kind,
    CAST(requests.source_id AS VARCHAR) AS source_id,
    CAST(requests.occurred_at AS TIMESTAMP) AS occurred_at,
    CAST(requests.miles AS BIGINT) AS miles,
    CAST(requests.reason AS VARCHAR) AS reason
FROM requests
ORDER BY occurred_at, kind, source_id
