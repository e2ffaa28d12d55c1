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
),

-- joined, so that the earlier months are read only for what this one cancels
cancelled_again AS (
    SELECT cancellations.cancels, cancellations.customer_id, cancellations.times
    FROM cancellations
    WHERE cancellations.times > 1
    UNION
    SELECT cancellations.cancels, cancellations.customer_id, cancellations.times
    FROM cancellations
    INNER JOIN earlier_results
        ON cancellations.cancels = earlier_results.cancels
        AND cancellations.customer_id = earlier_results.customer_id
    WHERE earlier_results.status = 'accepted'
)

SELECT
    CAST(cancelled_again.cancels AS VARCHAR) AS cancels,
    CAST(cancelled_again.customer_id AS VARCHAR) AS customer_id,
    CAST(cancelled_again.times AS BIGINT) AS times
FROM cancelled_again
ORDER BY cancels
