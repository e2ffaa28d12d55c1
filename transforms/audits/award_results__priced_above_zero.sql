-- purpose: Every award that is offered costs miles
-- grain: one row per request priced at 0 or less, or without chart, band or price; none where the
--   claim holds
-- keys: request_id
-- inputs: award_results(request_id, chart, band, miles, reason)
-- policy: none
-- rules: W1, W2, W3, W4
SELECT
    CAST(award_results.request_id AS VARCHAR) AS request_id,
    CAST(award_results.chart AS VARCHAR) AS chart,
    CAST(award_results.band AS VARCHAR) AS band,
    CAST(award_results.miles AS BIGINT) AS miles
FROM award_results
WHERE COALESCE(award_results.reason, 'insufficient_miles') = 'insufficient_miles'
    AND (
        award_results.chart IS NULL
        OR award_results.band IS NULL
        OR COALESCE(award_results.miles, 0) <= 0
    )
ORDER BY request_id
