-- purpose: The answer to the payment that is asked about, with the figures of its reason
-- grain: one row
-- keys: payment_id
-- inputs: asked(asked_id), published_micropayment_results(month, payment_id, subscription_id,
--   customer_id, requested_at, merchant, category, amount, platform_fee, recurring, status, reason,
--   limit_in_force, approved_total), limit_subscription(product), limit_arrears(bills, missing),
--   micropayment_service(opened_on, closed_on), micropayment_total(total_before, short)
-- policy: none
-- rules: M3
SELECT
    CAST(
        CASE
            WHEN published_micropayment_results.reason = 'not_in_service'
                THEN CASE
                    WHEN CAST(published_micropayment_results.requested_at AS DATE)
                        < micropayment_service.opened_on THEN 'not_in_service_yet'
                    ELSE 'not_in_service'
                END
            WHEN published_micropayment_results.reason = 'unknown_subscription'
                AND limit_subscription.product IS NOT NULL THEN 'other_product'
            ELSE COALESCE(
                published_micropayment_results.reason, published_micropayment_results.status
            )
        END
        AS VARCHAR
    ) AS said,
    CAST(published_micropayment_results.payment_id AS VARCHAR) AS payment_id,
    CAST(published_micropayment_results.subscription_id AS VARCHAR) AS subscription_id,
    CAST(published_micropayment_results.customer_id AS VARCHAR) AS customer_id,
    CAST(published_micropayment_results.requested_at AS TIMESTAMP) AS requested_at,
    CAST(published_micropayment_results.merchant AS VARCHAR) AS merchant,
    CAST(published_micropayment_results.category AS VARCHAR) AS category,
    CAST(published_micropayment_results.amount AS BIGINT) AS amount,
    CAST(published_micropayment_results.platform_fee AS BIGINT) AS platform_fee,
    CAST(published_micropayment_results.recurring AS BOOLEAN) AS recurring,
    CAST(published_micropayment_results.status AS VARCHAR) AS status,
    CAST(published_micropayment_results.reason AS VARCHAR) AS reason,
    CAST(published_micropayment_results.limit_in_force AS BIGINT) AS limit_in_force,
    CAST(published_micropayment_results.approved_total AS BIGINT) AS approved_total,
    CAST(published_micropayment_results.month AS VARCHAR) AS month,
    CAST(limit_subscription.product AS VARCHAR) AS product,
    CAST(micropayment_service.opened_on AS DATE) AS opened_on,
    CAST(micropayment_service.closed_on AS DATE) AS closed_on,
    CAST(limit_arrears.bills AS BIGINT) AS bills_in_arrears,
    CAST(limit_arrears.missing AS BIGINT) AS in_arrears,
    CAST(micropayment_total.total_before AS BIGINT) AS total_before,
    CAST(micropayment_total.short AS BIGINT) AS short
FROM asked
INNER JOIN published_micropayment_results
    ON asked.asked_id = published_micropayment_results.payment_id
CROSS JOIN limit_subscription
LEFT JOIN limit_arrears ON TRUE
LEFT JOIN micropayment_service ON TRUE
LEFT JOIN micropayment_total ON TRUE
