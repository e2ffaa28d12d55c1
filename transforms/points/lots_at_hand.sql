-- purpose: Every lot that a month may move: those left by the month before, its credits, and those
--   that a cancellation may give points back to
-- grain: one row per lot
-- keys: lot_id
-- inputs: opening_lots(lot_id, customer_id, kind, credited_on, expires_on, refundable, credited,
--   remaining, shortened_from), point_credits(lot_id, customer_id, kind, credited_on, expires_on,
--   refundable, points, known), restorable_lots(lot_id, customer_id, kind, credited_on, expires_on,
--   refundable, credited, shortened_from, known_at, tag),
--   policy_point_policy_changes(kind, effective_on, expires_on, valid_from, valid_to),
--   run_context(first_day, last_day)
-- policy: point_policy_changes
-- rules: P1, P5, P7
WITH changes AS (
    SELECT
        policy_point_policy_changes.kind,
        policy_point_policy_changes.effective_on,
        policy_point_policy_changes.expires_on
    FROM policy_point_policy_changes
    CROSS JOIN run_context
    WHERE policy_point_policy_changes.effective_on <= run_context.last_day
        AND policy_point_policy_changes.valid_from <= policy_point_policy_changes.effective_on
        AND (
            policy_point_policy_changes.valid_to IS NULL
            OR policy_point_policy_changes.effective_on < policy_point_policy_changes.valid_to
        )
),

changes_of_the_month AS (
    SELECT changes.kind, changes.effective_on, changes.expires_on
    FROM changes
    CROSS JOIN run_context
    WHERE changes.effective_on >= run_context.first_day
),

-- a lot that was used up missed the changes since
changes_of_restorable_lots AS (
    SELECT restorable_lots.lot_id, MIN(changes.expires_on) AS expires_on
    FROM restorable_lots
    INNER JOIN changes
        ON restorable_lots.kind = changes.kind
        AND restorable_lots.credited_on < changes.effective_on
        AND CAST(restorable_lots.known_at AS DATE) < changes.effective_on
        AND changes.expires_on < restorable_lots.expires_on
    CROSS JOIN run_context
    WHERE changes.effective_on < run_context.first_day
    GROUP BY restorable_lots.lot_id
),

-- materialized, as DuckDB can't spill the sort of a union
lots AS MATERIALIZED (
    SELECT
        opening_lots.customer_id,
        opening_lots.lot_id,
        opening_lots.kind,
        opening_lots.credited_on,
        opening_lots.expires_on,
        opening_lots.refundable,
        opening_lots.credited,
        opening_lots.remaining,
        opening_lots.shortened_from,
        restorable_lots.tag
    FROM opening_lots
    LEFT JOIN restorable_lots ON opening_lots.lot_id = restorable_lots.lot_id
    UNION ALL
    SELECT
        point_credits.customer_id,
        point_credits.lot_id,
        point_credits.kind,
        point_credits.credited_on,
        point_credits.expires_on,
        point_credits.refundable,
        point_credits.points AS credited,
        point_credits.points AS remaining,
        CAST(NULL AS DATE) AS shortened_from,
        CAST(NULL AS BIGINT) AS tag
    FROM point_credits
    WHERE point_credits.known
    UNION ALL
    SELECT
        restorable_lots.customer_id,
        restorable_lots.lot_id,
        restorable_lots.kind,
        restorable_lots.credited_on,
        COALESCE(changes_of_restorable_lots.expires_on, restorable_lots.expires_on) AS expires_on,
        restorable_lots.refundable,
        restorable_lots.credited,
        0 AS remaining,
        CASE
            WHEN changes_of_restorable_lots.expires_on IS NULL THEN restorable_lots.shortened_from
            ELSE COALESCE(restorable_lots.shortened_from, restorable_lots.expires_on)
        END AS shortened_from,
        restorable_lots.tag
    FROM restorable_lots
    LEFT JOIN changes_of_restorable_lots
        ON restorable_lots.lot_id = changes_of_restorable_lots.lot_id
    WHERE NOT EXISTS (
            SELECT 1
            FROM opening_lots
            WHERE opening_lots.lot_id = restorable_lots.lot_id
        )
)

SELECT
    CAST(lots.customer_id AS VARCHAR) AS customer_id,
    CAST(lots.lot_id AS VARCHAR) AS lot_id,
    CAST(lots.kind AS VARCHAR) AS kind,
    CAST(lots.credited_on AS DATE) AS credited_on,
    CAST(lots.expires_on AS DATE) AS expires_on,
    CAST(lots.refundable AS BOOLEAN) AS refundable,
    CAST(lots.credited AS BIGINT) AS credited,
    CAST(lots.remaining AS BIGINT) AS remaining,
    CAST(lots.shortened_from AS DATE) AS shortened_from,
    CAST(changes_of_the_month.effective_on AS DATE) AS changes_on,
    CAST(changes_of_the_month.expires_on AS DATE) AS changed_expires_on,
    CAST(lots.tag AS BIGINT) AS tag
FROM lots
LEFT JOIN changes_of_the_month
    ON lots.kind = changes_of_the_month.kind
    AND lots.credited_on < changes_of_the_month.effective_on
    AND changes_of_the_month.expires_on < lots.expires_on
