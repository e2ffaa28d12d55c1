-- purpose: The answer to every redemption and cancellation of the month
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
    CAST(
        CASE WHEN folded_events.verdict = 'accepted' THEN 'accepted' ELSE 'rejected' END AS VARCHAR
    ) AS status,
    CAST(
        CASE folded_events.verdict
            WHEN 'accepted' THEN NULL
            WHEN 'refused' THEN folded_events.refusal
            WHEN 'over_quota' THEN 'monthly_limit'
            WHEN 'insufficient' THEN 'insufficient_points'
            WHEN 'unknown_event' THEN 'unknown_redemption'
            ELSE folded_events.verdict
        END
        AS VARCHAR
    ) AS reason
FROM folded_events
WHERE folded_events.action IN ('spend', 'cancel')
ORDER BY customer_id, redemption_id
