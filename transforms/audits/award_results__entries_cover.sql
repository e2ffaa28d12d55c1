-- purpose: An accepted award request took its miles, to the mile, and a rejected one took none
-- grain: one row per request of which that is not so
-- keys: request_id
-- inputs: award_results(request_id, member_id, miles, status, reason),
--   mileage_entries(member_id, source_id, kind, miles)
-- policy: none
-- rules: W5, P11
WITH taken AS (
    SELECT
        mileage_entries.source_id,
        mileage_entries.member_id,
        -SUM(mileage_entries.miles) AS miles
    FROM mileage_entries
    WHERE mileage_entries.kind = 'award'
    GROUP BY mileage_entries.source_id, mileage_entries.member_id
)

SELECT
    CAST(COALESCE(award_results.request_id, taken.source_id) AS VARCHAR) AS request_id,
    CAST(award_results.status AS VARCHAR) AS status,
    CAST(award_results.miles AS BIGINT) AS miles,
    CAST(taken.miles AS BIGINT) AS taken_miles
FROM award_results
FULL JOIN taken
    ON award_results.request_id = taken.source_id
    AND award_results.member_id = taken.member_id
WHERE award_results.request_id IS NULL
    OR (award_results.status = 'accepted') <> (award_results.reason IS NULL)
    OR COALESCE(taken.miles, 0) IS DISTINCT FROM CASE
        WHEN award_results.status = 'accepted' THEN award_results.miles
        ELSE 0
    END
ORDER BY request_id
