-- question: What has a customer asked for with points, and why was it refused?
-- for: agent
-- tables: redemption_results, refund_results
-- parameters: customer_id (C0000194)
SELECT used_at AS asked_at, 'redemption' AS kind, redemption_id AS id, benefit AS what, points, status, reason
FROM redemption_results
WHERE customer_id = $customer_id
UNION ALL
SELECT applied_at, 'refund', application_id, method, points, status, reason
FROM refund_results
WHERE customer_id = $customer_id
ORDER BY asked_at, id
