-- purpose: The award request or mixed payment that is asked about, as it was taken, with its reason
-- grain: one row
-- keys: source_id
-- inputs: asked(kind, asked_id, member_id), replayed_folded_mileage_events(source_id, kind, occurred_at,
--   on_day, amount, verdict, usable), replayed_members(member_id),
--   published_award_results(request_id, reason),
--   published_mixed_payment_results(payment_id, reason)
-- policy: none
-- rules: W5, X1, X2
SELECT
    CAST(replayed_folded_mileage_events.source_id AS VARCHAR) AS source_id,
    CAST(replayed_folded_mileage_events.kind AS VARCHAR) AS kind,
    CAST(asked.member_id AS VARCHAR) AS member_id,
    CAST(replayed_members.member_id IS NOT NULL AS BOOLEAN) AS is_member,
    CAST(replayed_folded_mileage_events.occurred_at AS TIMESTAMP) AS occurred_at,
    CAST(replayed_folded_mileage_events.on_day AS DATE) AS on_day,
    CAST(replayed_folded_mileage_events.amount AS BIGINT) AS miles,
    CAST(
        replayed_folded_mileage_events.usable
        + CASE
            WHEN replayed_folded_mileage_events.verdict = 'accepted'
                THEN replayed_folded_mileage_events.amount
            ELSE 0
        END
        AS BIGINT
    ) AS usable_before,
    CAST(
        CASE asked.kind
            WHEN 'award' THEN published_award_results.reason
            ELSE published_mixed_payment_results.reason
        END
        AS VARCHAR
    ) AS reason
FROM asked
INNER JOIN replayed_folded_mileage_events
    ON asked.asked_id = replayed_folded_mileage_events.source_id
    AND replayed_folded_mileage_events.kind
    = CASE asked.kind WHEN 'award' THEN 'award' ELSE 'mixed_payment' END
LEFT JOIN replayed_members ON asked.member_id = replayed_members.member_id
LEFT JOIN published_award_results ON asked.asked_id = published_award_results.request_id
LEFT JOIN published_mixed_payment_results
    ON asked.asked_id = published_mixed_payment_results.payment_id
