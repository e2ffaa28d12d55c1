-- purpose: The lots as the month leaves them
-- grain: one row per lot, empty ones too
-- keys: lot_id
-- inputs: lots_at_hand(customer_id, lot_id, kind, credited_on, expires_on, refundable, credited,
--   remaining, shortened_from, changes_on, changed_expires_on), takings(lot_id, points)
-- policy: none
-- rules: P3, P7, P12
WITH moved_lots AS (
    SELECT takings.lot_id, SUM(takings.points) AS points
    FROM takings
    GROUP BY takings.lot_id
)

SELECT
    CAST(lots_at_hand.lot_id AS VARCHAR) AS lot_id,
    CAST(lots_at_hand.customer_id AS VARCHAR) AS customer_id,
    CAST(lots_at_hand.kind AS VARCHAR) AS kind,
    CAST(lots_at_hand.credited_on AS DATE) AS credited_on,
    CAST(COALESCE(lots_at_hand.changed_expires_on, lots_at_hand.expires_on) AS DATE) AS expires_on,
    CAST(lots_at_hand.refundable AS BOOLEAN) AS refundable,
    CAST(lots_at_hand.credited AS BIGINT) AS credited,
    CAST(lots_at_hand.remaining + COALESCE(moved_lots.points, 0) AS BIGINT) AS remaining,
    CAST(
        CASE
            WHEN lots_at_hand.changes_on IS NULL THEN lots_at_hand.shortened_from
            ELSE COALESCE(lots_at_hand.shortened_from, lots_at_hand.expires_on)
        END
        AS DATE
    ) AS shortened_from
FROM lots_at_hand
LEFT JOIN moved_lots ON lots_at_hand.lot_id = moved_lots.lot_id
