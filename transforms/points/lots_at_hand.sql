-- purpose: Every lot that a month may move, with the change of its expiry that the month brings
-- grain: one row per lot
-- keys: lot_id
-- inputs: lots_to_move(lot_id, customer_id, kind, credited_on, expires_on, refundable, credited,
--   remaining, shortened_from, known), restorable_lots(lot_id, tag),
--   policy_point_policy_changes(kind, effective_on, expires_on, valid_from, valid_to),
--   run_context(first_day, last_day)
-- policy: point_policy_changes
-- rules: P1, P5, P7
WITH changes_of_the_month AS (
    SELECT
        policy_point_policy_changes.kind,
        policy_point_policy_changes.effective_on,
        policy_point_policy_changes.expires_on
    FROM policy_point_policy_changes
    CROSS JOIN run_context
    WHERE policy_point_policy_changes.effective_on BETWEEN run_context.first_day
        AND run_context.last_day
        AND policy_point_policy_changes.valid_from <= policy_point_policy_changes.effective_on
        AND (
            policy_point_policy_changes.valid_to IS NULL
            OR policy_point_policy_changes.effective_on < policy_point_policy_changes.valid_to
        )
)

SELECT
    CAST(lots_to_move.customer_id AS VARCHAR) AS customer_id,
    CAST(lots_to_move.lot_id AS VARCHAR) AS lot_id,
    CAST(lots_to_move.kind AS VARCHAR) AS kind,
    CAST(lots_to_move.credited_on AS DATE) AS credited_on,
    CAST(lots_to_move.expires_on AS DATE) AS expires_on,
    CAST(lots_to_move.refundable AS BOOLEAN) AS refundable,
    CAST(lots_to_move.credited AS BIGINT) AS credited,
    CAST(lots_to_move.remaining AS BIGINT) AS remaining,
    CAST(lots_to_move.shortened_from AS DATE) AS shortened_from,
    CAST(changes_of_the_month.effective_on AS DATE) AS changes_on,
    CAST(changes_of_the_month.expires_on AS DATE) AS changed_expires_on,
    CAST(restorable_lots.tag AS BIGINT) AS tag,
    -- only credits of the month say whether their customer is known
    CAST(lots_to_move.known IS NOT NULL AS BOOLEAN) AS comes
FROM lots_to_move
LEFT JOIN restorable_lots ON lots_to_move.lot_id = restorable_lots.lot_id
LEFT JOIN changes_of_the_month
    ON lots_to_move.kind = changes_of_the_month.kind
    AND lots_to_move.credited_on < changes_of_the_month.effective_on
    AND changes_of_the_month.expires_on < lots_to_move.expires_on
WHERE lots_to_move.known IS DISTINCT FROM FALSE
