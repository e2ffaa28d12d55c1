-- purpose: What is approved is within the limit at its time, and what is declined as over it is not
-- grain: one row per payment of which that is not so
-- keys: payment_id
-- inputs: micropayment_results(payment_id, amount, status, reason, limit_in_force, approved_total)
-- policy: none
-- rules: M3
SELECT
    CAST(micropayment_results.payment_id AS VARCHAR) AS payment_id,
    CAST(micropayment_results.amount AS BIGINT) AS amount,
    CAST(micropayment_results.status AS VARCHAR) AS status,
    CAST(micropayment_results.reason AS VARCHAR) AS reason,
    CAST(micropayment_results.limit_in_force AS BIGINT) AS limit_in_force,
    CAST(micropayment_results.approved_total AS BIGINT) AS approved_total
FROM micropayment_results
WHERE CASE
        WHEN micropayment_results.status = 'approved'
            THEN micropayment_results.reason IS NOT NULL
                OR micropayment_results.approved_total IS NULL
                OR micropayment_results.limit_in_force IS NULL
                OR micropayment_results.approved_total > micropayment_results.limit_in_force
                OR micropayment_results.approved_total < micropayment_results.amount
        WHEN micropayment_results.reason = 'over_limit'
            -- a price of any size has to fit in the comparison
            THEN micropayment_results.limit_in_force - micropayment_results.approved_total
                >= micropayment_results.amount
        ELSE micropayment_results.reason IS NULL
    END
ORDER BY payment_id
