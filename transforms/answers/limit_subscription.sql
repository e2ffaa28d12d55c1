-- purpose: Whether a mobile subscription had that id at the moment that is asked about
-- grain: one row
-- keys: none
-- inputs: limit_event(subscription_id, requested_at),
--   limit_record(subscription_id, customer_id, is_mobile, product, plan_class, credit_grade)
-- policy: none
-- rules: M2, M3
SELECT
    CAST(
        CASE
            WHEN limit_record.is_mobile THEN 'mobile'
            WHEN limit_record.subscription_id IS NULL THEN 'unknown'
            ELSE 'other_product'
        END
        AS VARCHAR
    ) AS said,
    CAST(COALESCE(limit_record.is_mobile, FALSE) AS BOOLEAN) AS passed,
    CAST(limit_event.subscription_id AS VARCHAR) AS subscription_id,
    CAST(limit_record.customer_id AS VARCHAR) AS customer_id,
    CAST(limit_record.product AS VARCHAR) AS product,
    CAST(limit_record.plan_class AS VARCHAR) AS plan_class,
    CAST(limit_record.credit_grade AS BIGINT) AS credit_grade,
    CAST(limit_event.requested_at AS TIMESTAMP) AS requested_at
FROM limit_event
LEFT JOIN limit_record ON limit_event.subscription_id = limit_record.subscription_id
