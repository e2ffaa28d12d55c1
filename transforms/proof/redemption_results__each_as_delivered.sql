-- purpose: Each redemption of the month is answered under its own id and owner, and no other is
-- grain: one row per redemption of which that is not so; none where the claim holds
-- keys: redemption_id
-- inputs: redemption_results(redemption_id, customer_id), redemptions(redemption_id, customer_id)
-- policy: none
-- rules: P4
SELECT
    CAST(COALESCE(redemptions.redemption_id, redemption_results.redemption_id) AS VARCHAR)
        AS redemption_id,
    CAST(redemptions.redemption_id IS NOT NULL AS BOOLEAN) AS delivered,
    CAST(redemption_results.redemption_id IS NOT NULL AS BOOLEAN) AS answered
FROM redemptions
FULL JOIN redemption_results
    ON redemptions.redemption_id = redemption_results.redemption_id
    AND redemptions.customer_id = redemption_results.customer_id
WHERE redemptions.redemption_id IS NULL OR redemption_results.redemption_id IS NULL
ORDER BY redemption_id
