-- purpose: What became of the asked lot, and what is left of it
-- grain: one row, none where no committed file has the lot
-- keys: none
-- inputs: replayed_ledger_lots(lot_id, credited), points_lots(outcome, expired, kind, credited_on,
--   expires_on, set_by, refundable, used, refunded, given_back, cause, lot_id)
-- policy: none
-- rules: P1, P3, P9, P11
WITH credits AS (
    SELECT replayed_ledger_lots.lot_id, MAX(replayed_ledger_lots.credited) AS credited
    FROM replayed_ledger_lots
    GROUP BY replayed_ledger_lots.lot_id
)

SELECT
    CAST(
        CASE
            WHEN points_lots.outcome > 0 THEN 'open'
            WHEN points_lots.expired > 0 THEN 'expired'
            ELSE 'used_up'
        END
        AS VARCHAR
    ) AS said,
    CAST(points_lots.kind AS VARCHAR) AS kind,
    CAST(points_lots.credited_on AS DATE) AS credited_on,
    CAST(points_lots.expires_on AS DATE) AS expires_on,
    CAST(points_lots.set_by AS VARCHAR) AS set_by,
    CAST(points_lots.refundable AS BOOLEAN) AS refundable,
    CAST(credits.credited AS BIGINT) AS credited,
    CAST(points_lots.used AS BIGINT) AS used,
    CAST(points_lots.refunded AS BIGINT) AS refunded,
    CAST(points_lots.given_back AS BIGINT) AS given_back,
    CAST(points_lots.expired AS BIGINT) AS expired,
    CAST(points_lots.cause AS VARCHAR) AS cause,
    CAST(points_lots.outcome AS BIGINT) AS remaining
FROM points_lots
INNER JOIN credits ON points_lots.lot_id = credits.lot_id
