-- purpose: The month's payments as they would be had this one had that price
-- grain: one row per payment
-- keys: payment_id
-- inputs: replayed_micropayments(payment_id, subscription_id, requested_at, merchant, category, amount,
--   platform_fee, recurring, delivery), asked(asked_id), micropayment_if_priced(amount)
-- policy: none
-- rules: M3
SELECT
    CAST(replayed_micropayments.payment_id AS VARCHAR) AS payment_id,
    CAST(replayed_micropayments.subscription_id AS VARCHAR) AS subscription_id,
    CAST(replayed_micropayments.requested_at AS TIMESTAMP) AS requested_at,
    CAST(replayed_micropayments.merchant AS VARCHAR) AS merchant,
    CAST(replayed_micropayments.category AS VARCHAR) AS category,
    CAST(
        CASE
            WHEN replayed_micropayments.payment_id = asked.asked_id
                THEN micropayment_if_priced.amount
            ELSE replayed_micropayments.amount
        END
        AS BIGINT
    ) AS amount,
    CAST(replayed_micropayments.platform_fee AS BIGINT) AS platform_fee,
    CAST(replayed_micropayments.recurring AS BOOLEAN) AS recurring,
    CAST(replayed_micropayments.delivery AS BIGINT) AS delivery
FROM replayed_micropayments
CROSS JOIN asked
CROSS JOIN micropayment_if_priced
