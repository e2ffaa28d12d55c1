-- purpose: What the named redemptions of earlier months took, in the numbers that the fold reads
-- grain: one row per redemption and lot
-- keys: ticket, tag
-- inputs: cancelled_takings(redemption_id, lot_id, points, place), tickets(redemption_id, ticket),
--   restorable_lots(lot_id, tag)
-- policy: none
-- rules: P5
SELECT
    CAST(tickets.ticket AS BIGINT) AS ticket,
    CAST(restorable_lots.tag AS BIGINT) AS tag,
    CAST(cancelled_takings.points AS BIGINT) AS points,
    CAST(cancelled_takings.place AS BIGINT) AS place
FROM cancelled_takings
INNER JOIN tickets ON cancelled_takings.redemption_id = tickets.redemption_id
INNER JOIN restorable_lots ON cancelled_takings.lot_id = restorable_lots.lot_id
