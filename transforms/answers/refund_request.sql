-- purpose: The asked refund application as it was answered, with the terms of its day
-- grain: one row, none where the month has no such application
-- keys: none
-- inputs: published_refund_results(application_id, customer_id, applied_at, points, method, fee,
--   amount_krw, pay_on, status, reason), policy_point_refund_terms(business_days, least_points,
--   greatest_points, unit_points, valid_from, valid_to), asked(asked_id)
-- policy: point_refund_terms
-- rules: P6
-- kept: table
SELECT
    CAST(published_refund_results.application_id AS VARCHAR) AS application_id,
    CAST(published_refund_results.customer_id AS VARCHAR) AS customer_id,
    CAST(published_refund_results.applied_at AS TIMESTAMP) AS applied_at,
    CAST(CAST(published_refund_results.applied_at AS DATE) AS DATE) AS applied_on,
    CAST(published_refund_results.points AS BIGINT) AS points,
    CAST(published_refund_results.method AS VARCHAR) AS method,
    CAST(published_refund_results.fee AS BIGINT) AS fee,
    CAST(published_refund_results.amount_krw AS BIGINT) AS amount_krw,
    CAST(published_refund_results.pay_on AS DATE) AS pay_on,
    CAST(published_refund_results.status AS VARCHAR) AS status,
    CAST(published_refund_results.reason AS VARCHAR) AS reason,
    CAST(policy_point_refund_terms.business_days AS BIGINT) AS business_days,
    CAST(policy_point_refund_terms.least_points AS BIGINT) AS least_points,
    CAST(policy_point_refund_terms.greatest_points AS BIGINT) AS greatest_points,
    CAST(policy_point_refund_terms.unit_points AS BIGINT) AS unit_points
FROM published_refund_results
INNER JOIN asked ON published_refund_results.application_id = asked.asked_id
INNER JOIN policy_point_refund_terms
    ON policy_point_refund_terms.valid_from <= CAST(published_refund_results.applied_at AS DATE)
    AND (
        policy_point_refund_terms.valid_to IS NULL
        OR CAST(published_refund_results.applied_at AS DATE) < policy_point_refund_terms.valid_to
    )
