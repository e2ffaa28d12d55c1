-- purpose: A channel that would have taken the payment
-- grain: one row, none where the channel is not the reason
-- keys: none
-- inputs: mixed_payment_channel(passed, channel, first_taken)
-- policy: none
-- rules: X1
SELECT
    CAST(mixed_payment_channel.channel AS VARCHAR) AS channel,
    CAST(mixed_payment_channel.first_taken AS VARCHAR) AS taken_by
FROM mixed_payment_channel
WHERE NOT mixed_payment_channel.passed AND mixed_payment_channel.first_taken IS NOT NULL
