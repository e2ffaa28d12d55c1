-- purpose: Every award request of the month is answered, and no other
-- grain: one row with both numbers where they differ; none where the claim holds
-- keys: none
-- inputs: award_results(request_id), award_requests(request_id)
-- policy: none
-- rules: W5
WITH answered AS (
    SELECT COUNT(award_results.request_id) AS requests
    FROM award_results
),

delivered AS (
    SELECT COUNT(award_requests.request_id) AS requests
    FROM award_requests
)

SELECT
    CAST(answered.requests AS BIGINT) AS answered_requests,
    CAST(delivered.requests AS BIGINT) AS delivered_requests
FROM answered
CROSS JOIN delivered
WHERE answered.requests <> delivered.requests
