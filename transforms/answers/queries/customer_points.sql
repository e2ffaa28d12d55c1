-- question: Which points has a customer left, and when do they lapse?
-- for: agent
-- tables: point_lots
-- parameters: customer_id (C0000194)
SELECT expires_on, kind, lot_id, credited_on, refundable, remaining
FROM point_lots
WHERE period = (SELECT max(period) FROM point_lots) AND customer_id = $customer_id
ORDER BY expires_on, lot_id
