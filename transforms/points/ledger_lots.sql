-- purpose: Every lot that a month may move, in the order that the fold reads
-- grain: one row per lot
-- keys: lot_id
-- inputs: lots_at_hand(customer_id, lot_id, kind, credited_on, expires_on, refundable, credited,
--   remaining, shortened_from, changes_on, changed_expires_on, tag, comes)
-- policy: none
-- rules: P3
SELECT
    CAST(lots_at_hand.customer_id AS VARCHAR) AS customer_id,
    CAST(lots_at_hand.lot_id AS VARCHAR) AS lot_id,
    CAST(lots_at_hand.kind AS VARCHAR) AS kind,
    CAST(lots_at_hand.credited_on AS DATE) AS credited_on,
    CAST(lots_at_hand.expires_on AS DATE) AS expires_on,
    CAST(lots_at_hand.refundable AS BOOLEAN) AS refundable,
    CAST(lots_at_hand.credited AS BIGINT) AS credited,
    CAST(lots_at_hand.remaining AS BIGINT) AS remaining,
    CAST(lots_at_hand.shortened_from AS DATE) AS shortened_from,
    CAST(lots_at_hand.changes_on AS DATE) AS changes_on,
    CAST(lots_at_hand.changed_expires_on AS DATE) AS changed_expires_on,
    CAST(lots_at_hand.tag AS BIGINT) AS tag,
    CAST(lots_at_hand.comes AS BOOLEAN) AS comes
FROM lots_at_hand
ORDER BY lots_at_hand.customer_id, lots_at_hand.lot_id
