-- purpose: Each member's miles from opening to closing
-- grain: one row per member with a lot or an entry in the month
-- keys: member_id
-- inputs: opening_mileage_lots(member_id, remaining), mileage_entries(member_id, kind, miles),
--   mileage_lots(member_id, remaining)
-- policy: none
-- rules: P11
WITH movements AS (
    SELECT
        opening_mileage_lots.member_id,
        opening_mileage_lots.remaining AS opening,
        0 AS credited,
        0 AS spent,
        0 AS expired,
        0 AS closing
    FROM opening_mileage_lots
    UNION ALL
    SELECT
        mileage_entries.member_id,
        0 AS opening,
        CASE WHEN mileage_entries.kind = 'flight' THEN mileage_entries.miles ELSE 0 END
            AS credited,
        CASE
            WHEN mileage_entries.kind IN ('award', 'mixed_payment') THEN -mileage_entries.miles
            ELSE 0
        END AS spent,
        CASE WHEN mileage_entries.kind = 'expiry' THEN -mileage_entries.miles ELSE 0 END
            AS expired,
        0 AS closing
    FROM mileage_entries
    UNION ALL
    SELECT
        mileage_lots.member_id,
        0 AS opening,
        0 AS credited,
        0 AS spent,
        0 AS expired,
        mileage_lots.remaining AS closing
    FROM mileage_lots
)

SELECT
    CAST(movements.member_id AS VARCHAR) AS member_id,
    CAST(SUM(movements.opening) AS BIGINT) AS opening,
    CAST(SUM(movements.credited) AS BIGINT) AS credited,
    CAST(SUM(movements.spent) AS BIGINT) AS spent,
    CAST(SUM(movements.expired) AS BIGINT) AS expired,
    CAST(SUM(movements.closing) AS BIGINT) AS closing
FROM movements
GROUP BY movements.member_id
ORDER BY member_id
