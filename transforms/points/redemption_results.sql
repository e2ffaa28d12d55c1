-- purpose: The answer to every redemption and cancellation of the month
-- grain: one row per delivered redemption or cancellation of the month
-- keys: redemption_id
-- inputs: events_in_order(customer_id, event_id, occurred_at, action, amount, refusal, benefit,
--   partner, cancels, verdict)
-- policy: none
-- rules: P4, P5
SELECT
    CAST(events_in_order.event_id AS VARCHAR) AS redemption_id,
    CAST(events_in_order.customer_id AS VARCHAR) AS customer_id,
    CAST(events_in_order.occurred_at AS TIMESTAMP) AS used_at,
    CAST(events_in_order.benefit AS VARCHAR) AS benefit,
    CAST(events_in_order.partner AS VARCHAR) AS partner,
    CAST(events_in_order.amount AS BIGINT) AS points,
    CAST(events_in_order.cancels AS VARCHAR) AS cancels,
    CAST(
        CASE WHEN events_in_order.verdict = 'accepted' THEN 'accepted' ELSE 'rejected' END
        AS VARCHAR
    ) AS status,
    CAST(
        CASE events_in_order.verdict
            WHEN 'accepted' THEN NULL
            WHEN 'refused' THEN events_in_order.refusal
            WHEN 'over_quota' THEN 'monthly_limit'
            WHEN 'insufficient' THEN 'insufficient_points'
            WHEN 'unknown_event' THEN 'unknown_redemption'
            WHEN 'above_taken' THEN 'above_redeemed'
            ELSE events_in_order.verdict
        END
        AS VARCHAR
    ) AS reason
FROM events_in_order
-- the fold hands on the redemptions of earlier months that are cancelled as well
WHERE events_in_order.action IN ('spend', 'cancel')
