-- purpose: The month's redemptions and cancellations as decided, in the order of redemption_results
-- grain: one row per delivered redemption or cancellation of the month
-- keys: redemption_id
-- inputs: folded_events(customer_id, event_id, occurred_at, action, amount, refusal, benefit,
--   partner, cancels, verdict)
-- policy: none
-- rules: P4, P5
SELECT
    CAST(folded_events.event_id AS VARCHAR) AS redemption_id,
    CAST(folded_events.customer_id AS VARCHAR) AS customer_id,
    CAST(folded_events.occurred_at AS TIMESTAMP) AS used_at,
    CAST(folded_events.benefit AS VARCHAR) AS benefit,
    CAST(folded_events.partner AS VARCHAR) AS partner,
    CAST(folded_events.amount AS BIGINT) AS points,
    CAST(folded_events.cancels AS VARCHAR) AS cancels,
    CAST(folded_events.verdict AS VARCHAR) AS verdict,
    CAST(folded_events.refusal AS VARCHAR) AS refusal
FROM folded_events
WHERE folded_events.action IN ('spend', 'cancel')
