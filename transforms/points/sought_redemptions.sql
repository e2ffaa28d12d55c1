-- purpose: Redemptions that the month's cancellations name and that are not of the month
-- grain: one row per redemption and customer that a cancellation names
-- keys: redemption_id, customer_id
-- inputs: redemptions(redemption_id, customer_id, cancels)
-- policy: none
-- rules: P5
-- kept: table
SELECT DISTINCT
    CAST(cancellations.cancels AS VARCHAR) AS redemption_id,
    CAST(cancellations.customer_id AS VARCHAR) AS customer_id
FROM redemptions AS cancellations
WHERE cancellations.cancels IS NOT NULL
    AND NOT EXISTS (
        SELECT 1
        FROM redemptions
        WHERE redemptions.redemption_id = cancellations.cancels
    )
