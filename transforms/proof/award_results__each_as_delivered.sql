-- purpose: Each award request of the month is answered under its own id and owner, and no other is
-- grain: one row per award request of which that is not so; none where the claim holds
-- keys: request_id
-- inputs: award_results(request_id, member_id), award_requests(request_id, member_id)
-- policy: none
-- rules: W5
SELECT
    CAST(COALESCE(award_requests.request_id, award_results.request_id) AS VARCHAR) AS request_id,
    CAST(award_requests.request_id IS NOT NULL AS BOOLEAN) AS delivered,
    CAST(award_results.request_id IS NOT NULL AS BOOLEAN) AS answered
FROM award_requests
FULL JOIN award_results
    ON award_requests.request_id = award_results.request_id
    AND award_requests.member_id = award_results.member_id
WHERE award_requests.request_id IS NULL OR award_results.request_id IS NULL
ORDER BY request_id
