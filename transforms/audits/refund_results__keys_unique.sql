-- purpose: No application has two rows in refund_results
-- grain: one row per application with more than one row; none where the claim holds
-- keys: application_id
-- inputs: refund_results(application_id)
-- policy: none
-- rules: P6, Q1
SELECT
    CAST(refund_results.application_id AS VARCHAR) AS application_id,
    CAST(COUNT(*) AS BIGINT) AS copies
FROM refund_results
GROUP BY refund_results.application_id
HAVING COUNT(*) > 1
ORDER BY application_id
