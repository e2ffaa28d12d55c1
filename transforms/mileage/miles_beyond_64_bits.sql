-- purpose: The members of whom a sum of miles is more than 64 bits hold, so that a failed close can
--   name them: what they opened with, were credited, spent or have left
-- grain: one row per such member, with the largest of these sums
-- keys: member_id
-- inputs: opening_mileage_lots(member_id, remaining), mileage_credits(member_id, credited),
--   mileage_takings(member_id, points), mileage_lots_after_requests(member_id, remaining)
-- policy: none
-- rules: P11
WITH sums AS (
    SELECT
        opening_mileage_lots.member_id,
        SUM(CAST(opening_mileage_lots.remaining AS DECIMAL(38, 0))) AS miles
    FROM opening_mileage_lots
    GROUP BY opening_mileage_lots.member_id
    UNION ALL
    SELECT
        mileage_credits.member_id,
        SUM(CAST(mileage_credits.credited AS DECIMAL(38, 0))) AS miles
    FROM mileage_credits
    GROUP BY mileage_credits.member_id
    UNION ALL
    SELECT
        mileage_takings.member_id,
        SUM(CAST(-mileage_takings.points AS DECIMAL(38, 0))) AS miles
    FROM mileage_takings
    GROUP BY mileage_takings.member_id
    UNION ALL
    -- miles that lapse with the month are among these
    SELECT
        mileage_lots_after_requests.member_id,
        SUM(CAST(mileage_lots_after_requests.remaining AS DECIMAL(38, 0))) AS miles
    FROM mileage_lots_after_requests
    GROUP BY mileage_lots_after_requests.member_id
)

SELECT
    CAST(sums.member_id AS VARCHAR) AS member_id,
    CAST(MAX(sums.miles) AS DECIMAL(38, 0)) AS miles
FROM sums
WHERE TRY_CAST(sums.miles AS BIGINT) IS NULL
GROUP BY sums.member_id
ORDER BY member_id
