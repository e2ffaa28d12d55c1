-- purpose: Whether tickets are paid that way where the payment was made, and where they are
-- grain: one row, none where that is not asked
-- keys: none
-- inputs: mixed_payment(paid_on, channel, reason), mixed_payment_open(passed),
--   policy_mixed_payment_channels(channel, accepted, valid_from, valid_to)
-- policy: mixed_payment_channels
-- rules: X1
SELECT
    CAST(CASE mixed_payment.reason WHEN 'channel' THEN 'other' ELSE 'taken' END AS VARCHAR) AS said,
    CAST(mixed_payment.reason IS DISTINCT FROM 'channel' AS BOOLEAN) AS passed,
    CAST(mixed_payment.channel AS VARCHAR) AS channel,
    CAST(
        STRING_AGG(
            policy_mixed_payment_channels.channel, ', '
            ORDER BY policy_mixed_payment_channels.channel
        )
        AS VARCHAR
    ) AS taken_by,
    CAST(MIN(policy_mixed_payment_channels.channel) AS VARCHAR) AS first_taken,
    CAST(mixed_payment.paid_on AS DATE) AS paid_on
FROM mixed_payment
INNER JOIN mixed_payment_open ON mixed_payment_open.passed
LEFT JOIN policy_mixed_payment_channels
    ON policy_mixed_payment_channels.accepted
    AND policy_mixed_payment_channels.valid_from <= mixed_payment.paid_on
    AND (
        policy_mixed_payment_channels.valid_to IS NULL
        OR mixed_payment.paid_on < policy_mixed_payment_channels.valid_to
    )
GROUP BY mixed_payment.reason, mixed_payment.channel, mixed_payment.paid_on
