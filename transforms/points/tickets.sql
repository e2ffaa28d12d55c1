-- purpose: A number for each redemption that a cancellation of the month names; it ties the two
-- grain: one row per redemption that is named
-- keys: redemption_id
-- inputs: redemptions(cancels)
-- policy: none
-- rules: P5
-- kept: table
WITH named AS (
    SELECT DISTINCT redemptions.cancels AS redemption_id
    FROM redemptions
    WHERE redemptions.cancels IS NOT NULL
)

SELECT
    CAST(named.redemption_id AS VARCHAR) AS redemption_id,
    CAST(ROW_NUMBER() OVER (ORDER BY named.redemption_id) - 1 AS BIGINT) AS ticket
FROM named
