-- purpose: The lots that a cancellation of the month may give points back to after earlier months
-- grain: one row per lot that a named redemption of an earlier month took from
-- keys: lot_id
-- inputs: cancelled_takings(redemption_id, customer_id, lot_id, occurred_at, lot_kind, credited_on,
--   expires_on, refundable, credited, shortened_from),
--   earlier_extensions(lot_id, kind, occurred_at, expires_on, shortened_from)
-- policy: none
-- rules: P5, P8
-- kept: table
WITH takings AS (
    SELECT
        cancelled_takings.customer_id,
        cancelled_takings.lot_id,
        cancelled_takings.occurred_at,
        cancelled_takings.lot_kind,
        cancelled_takings.credited_on,
        cancelled_takings.expires_on,
        cancelled_takings.refundable,
        cancelled_takings.credited,
        cancelled_takings.shortened_from,
        ROW_NUMBER() OVER (
            PARTITION BY cancelled_takings.lot_id
            ORDER BY cancelled_takings.occurred_at DESC, cancelled_takings.redemption_id
        ) AS place
    FROM cancelled_takings
),

extensions AS (
    SELECT
        earlier_extensions.lot_id,
        earlier_extensions.occurred_at,
        earlier_extensions.expires_on,
        earlier_extensions.shortened_from
    FROM earlier_extensions
    WHERE earlier_extensions.kind = 'extension'
)

SELECT
    CAST(takings.lot_id AS VARCHAR) AS lot_id,
    CAST(takings.customer_id AS VARCHAR) AS customer_id,
    CAST(takings.lot_kind AS VARCHAR) AS kind,
    CAST(takings.credited_on AS DATE) AS credited_on,
    CAST(COALESCE(extensions.expires_on, takings.expires_on) AS DATE) AS expires_on,
    CAST(takings.refundable AS BOOLEAN) AS refundable,
    CAST(takings.credited AS BIGINT) AS credited,
    CAST(
        CASE
            WHEN extensions.lot_id IS NULL THEN takings.shortened_from
            ELSE extensions.shortened_from
        END
        AS DATE
    ) AS shortened_from,
    CAST(COALESCE(extensions.occurred_at, takings.occurred_at) AS TIMESTAMP) AS known_at,
    CAST(ROW_NUMBER() OVER (ORDER BY takings.lot_id) - 1 AS BIGINT) AS tag
FROM takings
LEFT JOIN extensions
    ON takings.lot_id = extensions.lot_id
    -- the sweep comes after everything of its day
    AND CAST(takings.occurred_at AS DATE) <= CAST(extensions.occurred_at AS DATE)
WHERE takings.place = 1
