-- purpose: The answer to the limit request that is asked about, with the figures of its reason
-- grain: one row
-- keys: request_id
-- inputs: asked(asked_id), published_limit_results(month, request_id, subscription_id, requested_at,
--   requested_limit, status, reason, limit_after), limit_event(limit_before),
--   limit_subscription(customer_id, product, plan_class, credit_grade),
--   limit_arrears(bills, missing), limit_request_eligible(said, standard_limit),
--   limit_request_grade(refused_from_grade), limit_request_maximum(greatest_limit)
-- policy: none
-- rules: M2
SELECT
    CAST(
        CASE
            WHEN published_limit_results.reason = 'unknown_subscription'
                AND limit_subscription.product IS NOT NULL THEN 'other_product'
            WHEN published_limit_results.reason = 'not_eligible'
                AND limit_request_eligible.said = 'above_standard'
                THEN 'not_eligible_above_standard'
            ELSE COALESCE(published_limit_results.reason, published_limit_results.status)
        END
        AS VARCHAR
    ) AS said,
    CAST(published_limit_results.request_id AS VARCHAR) AS request_id,
    CAST(published_limit_results.subscription_id AS VARCHAR) AS subscription_id,
    CAST(limit_subscription.customer_id AS VARCHAR) AS customer_id,
    CAST(published_limit_results.requested_at AS TIMESTAMP) AS requested_at,
    CAST(published_limit_results.requested_limit AS BIGINT) AS requested_limit,
    CAST(published_limit_results.status AS VARCHAR) AS status,
    CAST(published_limit_results.reason AS VARCHAR) AS reason,
    CAST(limit_event.limit_before AS BIGINT) AS limit_before,
    CAST(published_limit_results.limit_after AS BIGINT) AS limit_after,
    CAST(published_limit_results.month AS VARCHAR) AS month,
    CAST(limit_subscription.product AS VARCHAR) AS product,
    CAST(limit_subscription.plan_class AS VARCHAR) AS plan_class,
    CAST(limit_subscription.credit_grade AS BIGINT) AS credit_grade,
    CAST(limit_arrears.bills AS BIGINT) AS bills_in_arrears,
    CAST(limit_arrears.missing AS BIGINT) AS in_arrears,
    CAST(limit_request_eligible.standard_limit AS BIGINT) AS standard_limit,
    CAST(limit_request_grade.refused_from_grade AS BIGINT) AS refused_from_grade,
    CAST(limit_request_maximum.greatest_limit AS BIGINT) AS greatest_limit
FROM asked
INNER JOIN published_limit_results ON asked.asked_id = published_limit_results.request_id
CROSS JOIN limit_event
CROSS JOIN limit_subscription
LEFT JOIN limit_arrears ON TRUE
LEFT JOIN limit_request_eligible ON TRUE
LEFT JOIN limit_request_grade ON TRUE
LEFT JOIN limit_request_maximum ON TRUE
