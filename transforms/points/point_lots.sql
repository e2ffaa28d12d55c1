-- purpose: The lots with points left at the end of a period
-- grain: one row per lot with points left at the end of the period
-- keys: lot_id
-- inputs: lots_in_order(lot_id, customer_id, kind, credited_on, expires_on, refundable, credited,
--   remaining, shortened_from)
-- policy: none
-- rules: P3, P9, P12
SELECT
    CAST(lots_in_order.lot_id AS VARCHAR) AS lot_id,
    CAST(lots_in_order.customer_id AS VARCHAR) AS customer_id,
    CAST(lots_in_order.kind AS VARCHAR) AS kind,
    CAST(lots_in_order.credited_on AS DATE) AS credited_on,
    CAST(lots_in_order.expires_on AS DATE) AS expires_on,
    CAST(lots_in_order.refundable AS BOOLEAN) AS refundable,
    CAST(lots_in_order.credited AS BIGINT) AS credited,
    CAST(lots_in_order.remaining AS BIGINT) AS remaining,
    CAST(lots_in_order.shortened_from AS DATE) AS shortened_from
FROM lots_in_order
