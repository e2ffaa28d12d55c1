-- purpose: No one who had left on or before the credit day is granted points
-- grain: one row per such grant; none where the claim holds
-- keys: customer_id
-- inputs: point_grants(customer_id),
--   customers_spans(customer_id, terminated_on, counts_from, counts_until), run_context(granted_on)
-- policy: none
-- rules: G1, R1
SELECT
    CAST(point_grants.customer_id AS VARCHAR) AS customer_id,
    CAST(customers_spans.terminated_on AS DATE) AS terminated_on
FROM point_grants
INNER JOIN customers_spans ON point_grants.customer_id = customers_spans.customer_id
CROSS JOIN run_context
WHERE customers_spans.terminated_on <= run_context.granted_on
    AND (
        customers_spans.counts_from IS NULL
        OR customers_spans.counts_from <= run_context.granted_on
    )
    AND (
        customers_spans.counts_until IS NULL
        OR run_context.granted_on < customers_spans.counts_until
    )
ORDER BY customer_id
