-- purpose: What the cancellation names: a redemption of the customer before it, as it was answered
-- grain: one row for a cancellation, none for a redemption
-- keys: none
-- inputs: replayed_earlier_results(redemption_id, used_at, benefit, points, cancels, status,
--   reason), redemption_request(cancels, turn, reason, action),
--   published_redemption_results(redemption_id, used_at, benefit, points, cancels, status, reason),
--   replayed_ledger_events(turn, event_id, action)
-- policy: none
-- rules: P5
WITH named AS (
    SELECT
        replayed_earlier_results.redemption_id,
        replayed_earlier_results.used_at,
        replayed_earlier_results.benefit,
        replayed_earlier_results.points,
        replayed_earlier_results.cancels,
        replayed_earlier_results.status,
        replayed_earlier_results.reason,
        TRUE AS is_before
    FROM replayed_earlier_results
    INNER JOIN redemption_request
        ON replayed_earlier_results.redemption_id = redemption_request.cancels
    UNION ALL
    SELECT
        published_redemption_results.redemption_id,
        published_redemption_results.used_at,
        published_redemption_results.benefit,
        published_redemption_results.points,
        published_redemption_results.cancels,
        published_redemption_results.status,
        published_redemption_results.reason,
        replayed_ledger_events.turn < redemption_request.turn AS is_before
    FROM published_redemption_results
    INNER JOIN redemption_request
        ON published_redemption_results.redemption_id = redemption_request.cancels
    INNER JOIN replayed_ledger_events
        ON published_redemption_results.redemption_id = replayed_ledger_events.event_id
        AND replayed_ledger_events.action IN ('spend', 'cancel')
)

SELECT
    CAST(
        CASE
            WHEN redemption_request.reason IS DISTINCT FROM 'unknown_redemption' THEN named.status
            WHEN named.redemption_id IS NULL THEN 'unknown_redemption'
            WHEN named.cancels IS NOT NULL THEN 'a_cancellation'
            ELSE 'later'
        END
        AS VARCHAR
    ) AS said,
    CAST(
        COALESCE(redemption_request.reason NOT IN ('unknown_redemption', 'not_accepted'), TRUE)
        AS BOOLEAN
    ) AS passed,
    CAST(redemption_request.cancels AS VARCHAR) AS cancels,
    CAST(named.used_at AS TIMESTAMP) AS named_at,
    CAST(named.benefit AS VARCHAR) AS named_benefit,
    CAST(named.points AS BIGINT) AS named_points,
    CAST(named.status AS VARCHAR) AS named_status,
    CAST(named.reason AS VARCHAR) AS named_reason
FROM redemption_request
LEFT JOIN named ON redemption_request.cancels = named.redemption_id
WHERE redemption_request.action = 'cancel'
