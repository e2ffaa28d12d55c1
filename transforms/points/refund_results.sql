-- purpose: The answer to every refund application of the month
-- grain: one row per delivered refund application of the month
-- keys: application_id
-- inputs: events_in_order(customer_id, event_id, occurred_at, on_day, action, amount, refusal, method,
--   verdict), policy_point_refund_fees(method, fee, per_points, valid_from, valid_to),
--   pay_days(applied_on, pay_on)
-- policy: point_refund_fees
-- rules: P6
WITH applications AS (
    SELECT
        events_in_order.event_id,
        events_in_order.customer_id,
        events_in_order.occurred_at,
        events_in_order.amount,
        events_in_order.method,
        events_in_order.verdict = 'accepted' AS accepted,
        events_in_order.refusal,
        pay_days.pay_on,
        events_in_order.amount // policy_point_refund_fees.per_points * policy_point_refund_fees.fee
        + events_in_order.amount % policy_point_refund_fees.per_points * policy_point_refund_fees.fee
        // policy_point_refund_fees.per_points AS fee
    FROM events_in_order
    INNER JOIN policy_point_refund_fees
        ON events_in_order.method = policy_point_refund_fees.method
        AND policy_point_refund_fees.valid_from <= events_in_order.on_day
        AND (
            policy_point_refund_fees.valid_to IS NULL
            OR events_in_order.on_day < policy_point_refund_fees.valid_to
        )
    INNER JOIN pay_days ON events_in_order.on_day = pay_days.applied_on
    WHERE events_in_order.action = 'spend_refundable'
)

SELECT
    CAST(applications.event_id AS VARCHAR) AS application_id,
    CAST(applications.customer_id AS VARCHAR) AS customer_id,
    CAST(applications.occurred_at AS TIMESTAMP) AS applied_at,
    CAST(applications.amount AS BIGINT) AS points,
    CAST(applications.method AS VARCHAR) AS method,
    CAST(CASE WHEN applications.accepted THEN applications.fee END AS BIGINT) AS fee,
    CAST(
        CASE WHEN applications.accepted THEN applications.amount - applications.fee END AS BIGINT
    ) AS amount_krw,
    CAST(CASE WHEN applications.accepted THEN applications.pay_on END AS DATE) AS pay_on,
    CAST(CASE WHEN applications.accepted THEN 'accepted' ELSE 'rejected' END AS VARCHAR) AS status,
    CAST(
        CASE
            WHEN NOT applications.accepted
                THEN COALESCE(applications.refusal, 'insufficient_refundable_points')
        END
        AS VARCHAR
    ) AS reason
FROM applications
ORDER BY customer_id, application_id
