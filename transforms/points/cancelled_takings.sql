-- purpose: What the redemptions of earlier months took that this month's cancellations name
-- grain: one row per such redemption and lot
-- keys: redemption_id, lot_id
-- inputs: earlier_redemptions(redemption_id, customer_id, action),
--   earlier_entries(customer_id, lot_id, source_id, kind, occurred_at, points, lot_kind,
--   credited_on, expires_on, refundable, credited, shortened_from)
-- policy: none
-- rules: P3, P5
-- kept: table
SELECT
    CAST(earlier_entries.source_id AS VARCHAR) AS redemption_id,
    CAST(earlier_entries.customer_id AS VARCHAR) AS customer_id,
    CAST(earlier_entries.lot_id AS VARCHAR) AS lot_id,
    CAST(earlier_entries.occurred_at AS TIMESTAMP) AS occurred_at,
    CAST(-earlier_entries.points AS BIGINT) AS points,
    -- in the order in which lots are spent (P3)
    CAST(
        ROW_NUMBER() OVER (
            PARTITION BY earlier_entries.source_id
            ORDER BY
                earlier_entries.expires_on, earlier_entries.credited_on, earlier_entries.lot_id
        )
        AS BIGINT
    ) AS place,
    CAST(earlier_entries.lot_kind AS VARCHAR) AS lot_kind,
    CAST(earlier_entries.credited_on AS DATE) AS credited_on,
    CAST(earlier_entries.expires_on AS DATE) AS expires_on,
    CAST(earlier_entries.refundable AS BOOLEAN) AS refundable,
    CAST(earlier_entries.credited AS BIGINT) AS credited,
    CAST(earlier_entries.shortened_from AS DATE) AS shortened_from
FROM earlier_entries
INNER JOIN earlier_redemptions
    ON earlier_entries.source_id = earlier_redemptions.redemption_id
    AND earlier_entries.customer_id = earlier_redemptions.customer_id
WHERE earlier_entries.kind = 'redemption'
    AND earlier_redemptions.action = 'earlier'
