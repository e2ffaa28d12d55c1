-- purpose: Every application of the month is answered, and nothing else
-- grain: one row per application without an answer, or the other way round; none where it holds
-- keys: application_id
-- inputs: refund_results(application_id, customer_id, points),
--   refund_applications(application_id, customer_id, points)
-- policy: none
-- rules: P6
SELECT
    CAST(COALESCE(refund_applications.application_id, refund_results.application_id) AS VARCHAR)
        AS application_id,
    CAST(refund_applications.application_id IS NOT NULL AS BOOLEAN) AS delivered,
    CAST(refund_results.application_id IS NOT NULL AS BOOLEAN) AS answered
FROM refund_applications
FULL JOIN refund_results
    ON refund_applications.application_id = refund_results.application_id
    AND refund_applications.customer_id = refund_results.customer_id
    AND refund_applications.points = refund_results.points
WHERE refund_applications.application_id IS NULL OR refund_results.application_id IS NULL
ORDER BY application_id
