-- purpose: What the named redemptions of earlier months took, in the numbers that the fold reads
-- grain: one row per redemption and lot
-- keys: ticket, tag
-- inputs: earlier_redemptions(redemption_id, customer_id, action), tickets(redemption_id, ticket),
--   restorable_lots(lot_id, tag), earlier_entries(customer_id, lot_id, source_id, kind, points)
-- policy: none
-- rules: P5
SELECT
    CAST(tickets.ticket AS BIGINT) AS ticket,
    CAST(restorable_lots.tag AS BIGINT) AS tag,
    CAST(-earlier_entries.points AS BIGINT) AS points
FROM earlier_entries
INNER JOIN earlier_redemptions
    ON earlier_entries.source_id = earlier_redemptions.redemption_id
    AND earlier_entries.customer_id = earlier_redemptions.customer_id
INNER JOIN tickets ON earlier_redemptions.redemption_id = tickets.redemption_id
INNER JOIN restorable_lots ON earlier_entries.lot_id = restorable_lots.lot_id
WHERE earlier_entries.kind = 'redemption'
    AND earlier_redemptions.action = 'earlier'
