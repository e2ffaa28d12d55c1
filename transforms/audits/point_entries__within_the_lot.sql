-- purpose: Nothing is credited on another day than the lot's, or spent before its credit or after
--   its expiry; points go in, out or nowhere as the kind says, and only an expiry has a cause
-- grain: one row per entry of which that is not so; none where the claim holds
-- keys: customer_id, lot_id, source_id, kind
-- inputs: point_entries(customer_id, lot_id, source_id, kind, occurred_at, points, cause,
--   credited_on, expires_on)
-- policy: none
-- rules: P1, P3, P5, P6, P9
WITH entries AS (
    SELECT
        point_entries.customer_id,
        point_entries.lot_id,
        point_entries.source_id,
        point_entries.kind,
        point_entries.occurred_at,
        CAST(point_entries.occurred_at AS DATE) AS on_day,
        point_entries.points,
        point_entries.cause,
        point_entries.credited_on,
        point_entries.expires_on
    FROM point_entries
)

SELECT
    CAST(entries.customer_id AS VARCHAR) AS customer_id,
    CAST(entries.lot_id AS VARCHAR) AS lot_id,
    CAST(entries.source_id AS VARCHAR) AS source_id,
    CAST(entries.kind AS VARCHAR) AS kind,
    CAST(entries.occurred_at AS TIMESTAMP) AS occurred_at,
    CAST(entries.points AS BIGINT) AS points
FROM entries
WHERE (entries.kind = 'expiry') <> (entries.cause IS NOT NULL)
    OR CASE
        WHEN entries.kind IN ('redemption', 'refund')
            THEN entries.points >= 0
                OR entries.on_day NOT BETWEEN entries.credited_on AND entries.expires_on
        WHEN entries.kind = 'cancellation'
            THEN entries.points <= 0 OR entries.on_day < entries.credited_on
        WHEN entries.kind = 'expiry'
            THEN entries.points >= 0 OR entries.on_day < entries.credited_on
        WHEN entries.kind = 'extension' THEN entries.points <> 0
        ELSE entries.points <= 0
            OR entries.occurred_at <> CAST(entries.credited_on AS TIMESTAMP)
            OR entries.source_id <> entries.lot_id
    END
ORDER BY customer_id, lot_id, source_id, kind
