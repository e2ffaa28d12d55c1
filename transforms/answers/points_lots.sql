-- purpose: Every lot that the customer had in the span, or the asked one, from opening to closing,
--   with its last day and what set that
-- grain: one row per lot that opened the span or moved in it
-- keys: lot_id
-- inputs: replayed_opening_lots(lot_id, remaining, replayed_period), points_span(first_month,
--   last_day, lot_id), points_entries(lot_id, points, kind, lot_kind, cause, expires_on,
--   shortened_from, source_id, occurred_at), replayed_ledger_lots(lot_id, kind, replayed_period,
--   credited_on, refundable, changes_on, changed_expires_on, expires_on, shortened_from),
--   replayed_earlier_extensions(lot_id, expires_on, kind), replayed_promotions(promotion_credit_id,
--   expires_on)
-- policy: none
-- rules: P1, P3, P5, P6, P7, P8, P9
-- kept: table
WITH opening AS (
    SELECT replayed_opening_lots.lot_id, replayed_opening_lots.remaining AS points
    FROM replayed_opening_lots
    INNER JOIN points_span ON replayed_opening_lots.replayed_period = points_span.first_month
),

moved AS (
    SELECT
        points_entries.lot_id,
        SUM(points_entries.points) AS points,
        SUM(CASE WHEN points_entries.kind = points_entries.lot_kind THEN points_entries.points END)
            AS credited,
        SUM(CASE WHEN points_entries.kind = 'redemption' THEN -points_entries.points END) AS used,
        SUM(CASE WHEN points_entries.kind = 'refund' THEN -points_entries.points END) AS refunded,
        SUM(CASE WHEN points_entries.kind = 'cancellation' THEN points_entries.points END)
            AS given_back,
        SUM(CASE WHEN points_entries.kind = 'expiry' THEN -points_entries.points END) AS expired,
        MAX(points_entries.cause) AS cause,
        MAX(CASE WHEN points_entries.kind = 'extension' THEN points_entries.expires_on END)
            AS extended_to,
        MAX(CASE WHEN points_entries.kind = 'expiry' THEN points_entries.expires_on END)
            AS lapsed_after,
        MAX(CASE WHEN points_entries.kind = 'expiry' THEN points_entries.shortened_from END)
            AS shortened_from,
        STRING_AGG(
            CASE
                WHEN points_entries.kind IN ('redemption', 'refund', 'cancellation')
                    THEN points_entries.source_id
            END, ' '
            ORDER BY points_entries.occurred_at, points_entries.source_id
        ) AS requests
    FROM points_entries
    GROUP BY points_entries.lot_id
),

-- as the last month that had the lot knew it
known_lots AS (
    SELECT
        replayed_ledger_lots.lot_id,
        MAX_BY(replayed_ledger_lots.kind, replayed_ledger_lots.replayed_period) AS kind,
        MAX_BY(replayed_ledger_lots.credited_on, replayed_ledger_lots.replayed_period)
            AS credited_on,
        MAX_BY(replayed_ledger_lots.refundable, replayed_ledger_lots.replayed_period)
            AS refundable,
        MAX_BY(
            CASE
                WHEN replayed_ledger_lots.changes_on <= points_span.last_day
                    THEN replayed_ledger_lots.changed_expires_on
                ELSE replayed_ledger_lots.expires_on
            END,
            replayed_ledger_lots.replayed_period
        ) AS expires_on,
        -- no change of policy leaves a null here, which MAX_BY would pass over
        MAX_BY(
            CASE
                WHEN replayed_ledger_lots.changes_on <= points_span.last_day THEN TRUE
                ELSE COALESCE(
                        replayed_ledger_lots.expires_on < replayed_ledger_lots.shortened_from,
                        FALSE
                    )
            END,
            replayed_ledger_lots.replayed_period
        ) AS is_shortened
    FROM replayed_ledger_lots
    CROSS JOIN points_span
    WHERE points_span.lot_id IS NULL OR replayed_ledger_lots.lot_id = points_span.lot_id
    GROUP BY replayed_ledger_lots.lot_id
),

earlier_extensions AS (
    SELECT
        replayed_earlier_extensions.lot_id,
        MAX(replayed_earlier_extensions.expires_on) AS extended_to
    FROM replayed_earlier_extensions
    WHERE replayed_earlier_extensions.kind = 'extension'
    GROUP BY replayed_earlier_extensions.lot_id
),

delivered AS (
    SELECT 'promotion:' || replayed_promotions.promotion_credit_id AS lot_id
    FROM replayed_promotions
    WHERE replayed_promotions.expires_on IS NOT NULL
),

lots AS (
    SELECT
        known_lots.lot_id,
        known_lots.kind,
        known_lots.credited_on,
        known_lots.refundable,
        COALESCE(moved.lapsed_after, moved.extended_to, known_lots.expires_on) AS last_day,
        CASE
            WHEN moved.extended_to IS NOT NULL
                OR earlier_extensions.extended_to = known_lots.expires_on
                THEN 'extension'
            WHEN known_lots.is_shortened OR moved.lapsed_after < moved.shortened_from
                THEN 'policy_change'
            WHEN moved.credited IS NULL THEN 'credit'
            WHEN delivered.lot_id IS NOT NULL THEN 'as_delivered'
            ELSE 'terms'
        END AS set_by,
        COALESCE(opening.points, 0) AS opening,
        COALESCE(moved.credited, 0) AS credited,
        COALESCE(moved.used, 0) AS used,
        COALESCE(moved.refunded, 0) AS refunded,
        COALESCE(moved.given_back, 0) AS given_back,
        COALESCE(moved.expired, 0) AS expired,
        COALESCE(opening.points, 0) + COALESCE(moved.points, 0) AS closing,
        moved.cause,
        moved.requests
    FROM known_lots
    LEFT JOIN opening ON known_lots.lot_id = opening.lot_id
    LEFT JOIN moved ON known_lots.lot_id = moved.lot_id
    LEFT JOIN earlier_extensions ON known_lots.lot_id = earlier_extensions.lot_id
    LEFT JOIN delivered ON known_lots.lot_id = delivered.lot_id
    WHERE opening.lot_id IS NOT NULL OR moved.lot_id IS NOT NULL
)

SELECT
    CAST(
        CASE
            WHEN lots.expired > 0 THEN 'expired'
            WHEN lots.requests IS NOT NULL THEN 'used'
            ELSE 'open'
        END
        AS VARCHAR
    ) AS said,
    CAST(lots.closing AS BIGINT) AS outcome,
    CAST(lots.lot_id AS VARCHAR) AS lot_id,
    CAST(lots.kind AS VARCHAR) AS kind,
    CAST(lots.credited_on AS DATE) AS credited_on,
    CAST(lots.refundable AS BOOLEAN) AS refundable,
    CAST(lots.last_day AS DATE) AS expires_on,
    CAST(lots.set_by AS VARCHAR) AS set_by,
    CAST(lots.opening AS BIGINT) AS opening,
    CAST(lots.credited AS BIGINT) AS credited,
    CAST(lots.used AS BIGINT) AS used,
    CAST(lots.refunded AS BIGINT) AS refunded,
    CAST(lots.given_back AS BIGINT) AS given_back,
    CAST(lots.expired AS BIGINT) AS expired,
    CAST(lots.cause AS VARCHAR) AS cause,
    CAST(lots.requests AS VARCHAR) AS requests
FROM lots
ORDER BY expires_on, credited_on, lot_id
