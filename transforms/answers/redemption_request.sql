-- purpose: The asked redemption or cancellation as it was answered, with its place in the month
-- grain: one row, none where the month has no such request
-- keys: none
-- inputs: published_redemption_results(redemption_id, customer_id, used_at, benefit, partner,
--   points, cancels, status, reason), replayed_ledger_events(on_day, action, turn, event_id),
--   asked(asked_id)
-- policy: none
-- rules: P2
-- kept: table
SELECT
    CAST(published_redemption_results.redemption_id AS VARCHAR) AS redemption_id,
    CAST(published_redemption_results.customer_id AS VARCHAR) AS customer_id,
    CAST(published_redemption_results.used_at AS TIMESTAMP) AS used_at,
    CAST(replayed_ledger_events.on_day AS DATE) AS used_on,
    CAST(replayed_ledger_events.action AS VARCHAR) AS action,
    CAST(replayed_ledger_events.turn AS BIGINT) AS turn,
    CAST(published_redemption_results.benefit AS VARCHAR) AS benefit,
    CAST(published_redemption_results.partner AS VARCHAR) AS partner,
    CAST(published_redemption_results.points AS BIGINT) AS points,
    CAST(published_redemption_results.cancels AS VARCHAR) AS cancels,
    CAST(published_redemption_results.status AS VARCHAR) AS status,
    CAST(published_redemption_results.reason AS VARCHAR) AS reason
FROM published_redemption_results
INNER JOIN asked ON published_redemption_results.redemption_id = asked.asked_id
INNER JOIN replayed_ledger_events
    ON published_redemption_results.redemption_id = replayed_ledger_events.event_id
    AND replayed_ledger_events.action IN ('spend', 'cancel')
