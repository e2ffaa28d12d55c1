-- purpose: Credits of the month that go to nobody, as their customer is not known
-- grain: one row per credit without a known customer
-- keys: source_id
-- inputs: point_credits(lot_id, customer_id, kind, credited, known)
-- policy: none
-- rules: P1
SELECT
    CAST(point_credits.lot_id AS VARCHAR) AS source_id,
    CAST(point_credits.customer_id AS VARCHAR) AS customer_id,
    CAST(point_credits.kind AS VARCHAR) AS kind,
    CAST(point_credits.credited AS BIGINT) AS points,
    CAST('unknown_customer' AS VARCHAR) AS reason
FROM point_credits
WHERE NOT point_credits.known
ORDER BY customer_id, source_id
