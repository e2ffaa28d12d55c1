-- purpose: No expiry date and kind has two rows in point_liability
-- grain: one row per expiry date and kind with more than one row; none where the claim holds
-- keys: expires_on, kind
-- inputs: point_liability(expires_on, kind)
-- policy: none
-- rules: P11, Q1
SELECT
    CAST(point_liability.expires_on AS DATE) AS expires_on,
    CAST(point_liability.kind AS VARCHAR) AS kind,
    CAST(COUNT(*) AS BIGINT) AS copies
FROM point_liability
GROUP BY point_liability.expires_on, point_liability.kind
HAVING COUNT(*) > 1
ORDER BY expires_on, kind
