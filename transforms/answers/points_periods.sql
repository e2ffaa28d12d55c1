-- purpose: The customer's balance of each period of the span, from opening to closing
-- grain: one row per period with a lot or an entry
-- keys: period
-- inputs: published_point_balances(period, opening, credited, spent, restored, expired, closing,
--   usable)
-- policy: none
-- rules: P11
SELECT
    CAST(published_point_balances.period AS VARCHAR) AS period,
    CAST(published_point_balances.opening AS BIGINT) AS opening,
    CAST(published_point_balances.credited AS BIGINT) AS credited,
    CAST(published_point_balances.spent AS BIGINT) AS spent,
    CAST(published_point_balances.restored AS BIGINT) AS restored,
    CAST(published_point_balances.expired AS BIGINT) AS expired,
    CAST(published_point_balances.closing AS BIGINT) AS closing,
    CAST(published_point_balances.usable AS BIGINT) AS usable
FROM published_point_balances
ORDER BY period
