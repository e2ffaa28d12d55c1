-- purpose: No redemption has two rows in redemption_results
-- grain: one row per redemption with more than one row; none where the claim holds
-- keys: redemption_id
-- inputs: redemption_results(redemption_id)
-- policy: none
-- rules: P4, Q1
SELECT
    CAST(redemption_results.redemption_id AS VARCHAR) AS redemption_id,
    CAST(COUNT(*) AS BIGINT) AS copies
FROM redemption_results
GROUP BY redemption_results.redemption_id
HAVING COUNT(*) > 1
ORDER BY redemption_id
