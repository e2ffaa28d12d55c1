-- purpose: What a ledger opens with, all in all, and what of it can be used
-- grain: one row
-- keys: none
-- inputs: delivered_lots(owner, expires_on, remaining), run_context(first_day)
-- policy: none
-- rules: P11, P12
SELECT
    CAST(COUNT(*) AS BIGINT) AS lots,
    CAST(COUNT(DISTINCT delivered_lots.owner) AS BIGINT) AS owners,
    CAST(COALESCE(SUM(delivered_lots.remaining), 0) AS BIGINT) AS remaining,
    CAST(
        COALESCE(
            SUM(
                CASE
                    WHEN delivered_lots.expires_on < run_context.first_day THEN 0
                    ELSE delivered_lots.remaining
                END
            ),
            0
        )
        AS BIGINT
    ) AS usable
FROM delivered_lots
CROSS JOIN run_context
