-- purpose: The lots that the month before left empty and a cancellation may give points back to
-- grain: one row per lot
-- keys: lot_id
-- inputs: opening_lots(lot_id), restorable_lots(lot_id, customer_id, kind, credited_on, expires_on,
--   refundable, credited, shortened_from, known_at),
--   policy_point_policy_changes(kind, effective_on, expires_on, valid_from, valid_to),
--   run_context(first_day)
-- policy: point_policy_changes
-- rules: P5, P7
-- kept: file
WITH earlier_changes AS (
    SELECT
        policy_point_policy_changes.kind,
        policy_point_policy_changes.effective_on,
        policy_point_policy_changes.expires_on
    FROM policy_point_policy_changes
    CROSS JOIN run_context
    WHERE policy_point_policy_changes.effective_on < run_context.first_day
        AND policy_point_policy_changes.valid_from <= policy_point_policy_changes.effective_on
        AND (
            policy_point_policy_changes.valid_to IS NULL
            OR policy_point_policy_changes.effective_on < policy_point_policy_changes.valid_to
        )
),

-- a lot that was used up missed the changes since
missed_changes AS (
    SELECT restorable_lots.lot_id, MIN(earlier_changes.expires_on) AS expires_on
    FROM restorable_lots
    INNER JOIN earlier_changes
        ON restorable_lots.kind = earlier_changes.kind
        AND restorable_lots.credited_on < earlier_changes.effective_on
        AND CAST(restorable_lots.known_at AS DATE) < earlier_changes.effective_on
        AND earlier_changes.expires_on < restorable_lots.expires_on
    GROUP BY restorable_lots.lot_id
)

SELECT
    CAST(restorable_lots.lot_id AS VARCHAR) AS lot_id,
    CAST(restorable_lots.customer_id AS VARCHAR) AS customer_id,
    CAST(restorable_lots.kind AS VARCHAR) AS kind,
    CAST(restorable_lots.credited_on AS DATE) AS credited_on,
    CAST(COALESCE(missed_changes.expires_on, restorable_lots.expires_on) AS DATE) AS expires_on,
    CAST(restorable_lots.refundable AS BOOLEAN) AS refundable,
    CAST(restorable_lots.credited AS BIGINT) AS credited,
    CAST(0 AS BIGINT) AS remaining,
    CAST(
        CASE
            WHEN missed_changes.expires_on IS NULL THEN restorable_lots.shortened_from
            ELSE COALESCE(restorable_lots.shortened_from, restorable_lots.expires_on)
        END
        AS DATE
    ) AS shortened_from
FROM restorable_lots
LEFT JOIN missed_changes ON restorable_lots.lot_id = missed_changes.lot_id
WHERE NOT EXISTS (
        SELECT 1
        FROM opening_lots
        WHERE opening_lots.lot_id = restorable_lots.lot_id
    )
