-- purpose: What an accepted refund pays is its points less the fee, after the day of the
--   application; a rejected one pays nothing
-- grain: one row per application of which that is not so; none where the claim holds
-- keys: application_id
-- inputs: refund_results(application_id, applied_at, points, fee, amount_krw, pay_on, status)
-- policy: none
-- rules: P6
SELECT
    CAST(refund_results.application_id AS VARCHAR) AS application_id,
    CAST(refund_results.status AS VARCHAR) AS status,
    CAST(refund_results.points AS BIGINT) AS points,
    CAST(refund_results.fee AS BIGINT) AS fee,
    CAST(refund_results.amount_krw AS BIGINT) AS amount_krw,
    CAST(refund_results.pay_on AS DATE) AS pay_on
FROM refund_results
WHERE CASE
        WHEN refund_results.status = 'accepted'
            THEN refund_results.fee IS NULL
                OR refund_results.fee < 0
                OR refund_results.amount_krw
                IS DISTINCT FROM refund_results.points - refund_results.fee
                OR refund_results.pay_on IS NULL
                OR refund_results.pay_on < CAST(refund_results.applied_at AS DATE)
        ELSE refund_results.fee IS NOT NULL
            OR refund_results.amount_krw IS NOT NULL
            OR refund_results.pay_on IS NOT NULL
    END
ORDER BY application_id
