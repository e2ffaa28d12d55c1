-- purpose: A redemption is cancelled once, in this month or an earlier one
-- grain: one row per redemption that is cancelled again; none where the claim holds
-- keys: cancels
-- inputs: redemption_results(customer_id, cancels, status),
--   earlier_results(customer_id, cancels, status)
-- policy: none
-- rules: P5
WITH cancellations AS (
    SELECT
        redemption_results.cancels,
        redemption_results.customer_id,
        COUNT(*) AS times
    FROM redemption_results
    WHERE redemption_results.cancels IS NOT NULL AND redemption_results.status = 'accepted'
    GROUP BY redemption_results.cancels, redemption_results.customer_id
)

SELECT
    CAST(cancellations.cancels AS VARCHAR) AS cancels,
    CAST(cancellations.customer_id AS VARCHAR) AS customer_id,
    CAST(cancellations.times AS BIGINT) AS times
FROM cancellations
WHERE cancellations.times > 1
    OR EXISTS (
        SELECT 1
        FROM earlier_results
        WHERE earlier_results.cancels = cancellations.cancels
            AND earlier_results.customer_id = cancellations.customer_id
            AND earlier_results.status = 'accepted'
    )
ORDER BY cancels
