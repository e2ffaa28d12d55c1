-- purpose: Every movement of miles in the month, by lot
-- grain: one row per lot and movement of the month
-- keys: member_id, lot_id, source_id, kind
-- inputs: mileage_credits(lot_id, member_id, credited_on, credited),
--   mileage_takings(member_id, lot_id, source_id, kind, occurred_at, points),
--   mileage_lots_after_requests(lot_id, member_id, remaining, lapses),
--   run_context(last_second)
-- policy: none
-- rules: F4, W5, X2
WITH entries AS (
    SELECT
        mileage_credits.member_id,
        mileage_credits.lot_id,
        mileage_credits.lot_id AS source_id,
        'flight' AS kind,
        CAST(mileage_credits.credited_on AS TIMESTAMP) AS occurred_at,
        mileage_credits.credited AS miles
    FROM mileage_credits
    UNION ALL
    SELECT
        mileage_takings.member_id,
        mileage_takings.lot_id,
        mileage_takings.source_id,
        mileage_takings.kind,
        mileage_takings.occurred_at,
        mileage_takings.points AS miles
    FROM mileage_takings
    UNION ALL
    SELECT
        mileage_lots_after_requests.member_id,
        mileage_lots_after_requests.lot_id,
        mileage_lots_after_requests.lot_id AS source_id,
        'expiry' AS kind,
        run_context.last_second AS occurred_at,
        -mileage_lots_after_requests.remaining AS miles
    FROM mileage_lots_after_requests
    CROSS JOIN run_context
    WHERE mileage_lots_after_requests.lapses
        AND mileage_lots_after_requests.remaining <> 0
)

SELECT
    CAST(entries.member_id AS VARCHAR) AS member_id,
    CAST(entries.lot_id AS VARCHAR) AS lot_id,
    CAST(entries.source_id AS VARCHAR) AS source_id,
    CAST(entries.kind AS VARCHAR) AS kind,
    CAST(entries.occurred_at AS TIMESTAMP) AS occurred_at,
    CAST(entries.miles AS BIGINT) AS miles
FROM entries
ORDER BY member_id, lot_id, source_id, kind
