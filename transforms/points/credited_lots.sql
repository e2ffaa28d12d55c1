-- purpose: The lots that a month's credits make
-- grain: one row per credit to a known customer
-- keys: lot_id
-- inputs: point_credits(lot_id, customer_id, kind, credited_on, expires_on, refundable, points,
--   known)
-- policy: none
-- rules: P1, G2
SELECT
    CAST(point_credits.lot_id AS VARCHAR) AS lot_id,
    CAST(point_credits.customer_id AS VARCHAR) AS customer_id,
    CAST(point_credits.kind AS VARCHAR) AS kind,
    CAST(point_credits.credited_on AS DATE) AS credited_on,
    CAST(point_credits.expires_on AS DATE) AS expires_on,
    CAST(point_credits.refundable AS BOOLEAN) AS refundable,
    CAST(point_credits.points AS BIGINT) AS credited,
    CAST(point_credits.points AS BIGINT) AS remaining,
    CAST(NULL AS DATE) AS shortened_from
FROM point_credits
WHERE point_credits.known
