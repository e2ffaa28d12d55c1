-- purpose: The redemptions of earlier months that this month's cancellations name
-- grain: one row per such redemption
-- keys: redemption_id
-- inputs: sought_redemptions(redemption_id, customer_id),
--   earlier_results(month, redemption_id, customer_id, used_at, points, cancels, status)
-- policy: none
-- rules: P5
-- kept: file
WITH cancelled AS (
    SELECT
        sought_redemptions.redemption_id,
        SUM(earlier_results.points) AS points,
        -- a cancellation of 0 points gave back all that was left
        MIN(earlier_results.points) AS least_points
    FROM earlier_results
    INNER JOIN sought_redemptions
        ON earlier_results.cancels = sought_redemptions.redemption_id
        AND earlier_results.customer_id = sought_redemptions.customer_id
    WHERE earlier_results.status = 'accepted'
    GROUP BY sought_redemptions.redemption_id
)

SELECT
    CAST(earlier_results.redemption_id AS VARCHAR) AS redemption_id,
    CAST(earlier_results.customer_id AS VARCHAR) AS customer_id,
    CAST(earlier_results.used_at AS TIMESTAMP) AS used_at,
    CAST(earlier_results.month AS VARCHAR) AS month,
    CAST(
        CASE
            WHEN earlier_results.status <> 'accepted' THEN 'earlier_rejected'
            WHEN cancelled.points >= earlier_results.points OR cancelled.least_points = 0
                THEN 'earlier_cancelled'
            ELSE 'earlier'
        END
        AS VARCHAR
    ) AS action,
    -- what came back of it
    CAST(COALESCE(cancelled.points, 0) AS BIGINT) AS points
FROM earlier_results
INNER JOIN sought_redemptions
    ON earlier_results.redemption_id = sought_redemptions.redemption_id
    AND earlier_results.customer_id = sought_redemptions.customer_id
LEFT JOIN cancelled ON earlier_results.redemption_id = cancelled.redemption_id
WHERE earlier_results.cancels IS NULL
