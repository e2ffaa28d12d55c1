-- purpose: Why a payment in cash and miles can't be made whatever the miles, or what they pay
-- grain: one row per delivered mixed payment of the month
-- keys: payment_id
-- inputs: mixed_payments(payment_id, member_id, paid_at, channel, currency, fare, fuel_surcharge,
--   taxes, miles, krw_per_mile), members(member_id),
--   policy_mixed_payment_programme(open, valid_from, valid_to),
--   policy_mixed_payment_channels(channel, accepted, valid_from, valid_to),
--   policy_mixed_payment_currencies(currency, accepted, valid_from, valid_to),
--   policy_mixed_payment_minimum(least_miles, valid_from, valid_to),
--   policy_mixed_payment_share(greatest, valid_from, valid_to)
-- policy: mixed_payment_programme, mixed_payment_channels, mixed_payment_currencies,
--   mixed_payment_minimum, mixed_payment_share
-- rules: X1, X2
-- kept: table
WITH payments AS (
    SELECT
        mixed_payments.*,
        CAST(mixed_payments.paid_at AS DATE) AS paid_on,
        -- exact: whole miles of at most 19 digits, a rate with two places
        CAST(mixed_payments.miles AS DECIMAL(19, 0)) * mixed_payments.krw_per_mile AS miles_value
    FROM mixed_payments
),

payments_on_terms AS (
    SELECT
        payments.*,
        members.member_id IS NOT NULL AS is_member,
        COALESCE(policy_mixed_payment_programme.open, FALSE) AS is_open,
        COALESCE(policy_mixed_payment_channels.accepted, FALSE) AS takes_channel,
        COALESCE(policy_mixed_payment_currencies.accepted, FALSE) AS takes_currency,
        policy_mixed_payment_minimum.least_miles,
        CAST(payments.fare AS DECIMAL(19, 0))
        * CAST(policy_mixed_payment_share.greatest AS DECIMAL(6, 0)) AS greatest_value
    FROM payments
    LEFT JOIN members ON payments.member_id = members.member_id
    LEFT JOIN policy_mixed_payment_programme
        ON payments.paid_on >= policy_mixed_payment_programme.valid_from
        AND (
            policy_mixed_payment_programme.valid_to IS NULL
            OR payments.paid_on < policy_mixed_payment_programme.valid_to
        )
    LEFT JOIN policy_mixed_payment_channels
        ON payments.channel = policy_mixed_payment_channels.channel
        AND payments.paid_on >= policy_mixed_payment_channels.valid_from
        AND (
            policy_mixed_payment_channels.valid_to IS NULL
            OR payments.paid_on < policy_mixed_payment_channels.valid_to
        )
    LEFT JOIN policy_mixed_payment_currencies
        ON payments.currency = policy_mixed_payment_currencies.currency
        AND payments.paid_on >= policy_mixed_payment_currencies.valid_from
        AND (
            policy_mixed_payment_currencies.valid_to IS NULL
            OR payments.paid_on < policy_mixed_payment_currencies.valid_to
        )
    LEFT JOIN policy_mixed_payment_minimum
        ON payments.paid_on >= policy_mixed_payment_minimum.valid_from
        AND (
            policy_mixed_payment_minimum.valid_to IS NULL
            OR payments.paid_on < policy_mixed_payment_minimum.valid_to
        )
    LEFT JOIN policy_mixed_payment_share
        ON payments.paid_on >= policy_mixed_payment_share.valid_from
        AND (
            policy_mixed_payment_share.valid_to IS NULL
            OR payments.paid_on < policy_mixed_payment_share.valid_to
        )
),

judged_payments AS (
    SELECT
        payments_on_terms.*,
        CASE
            WHEN NOT payments_on_terms.is_member THEN 'unknown_member'
            WHEN NOT payments_on_terms.is_open THEN 'outside_programme'
            WHEN NOT payments_on_terms.takes_channel THEN 'channel'
            WHEN NOT payments_on_terms.takes_currency THEN 'currency'
            WHEN payments_on_terms.miles < payments_on_terms.least_miles THEN 'below_minimum'
            -- the share is a percent; the value is compared before it is rounded
            WHEN payments_on_terms.miles_value * 100 > payments_on_terms.greatest_value
                THEN 'above_share'
        END AS refusal
    FROM payments_on_terms
)

SELECT
    CAST(judged_payments.payment_id AS VARCHAR) AS payment_id,
    CAST(judged_payments.member_id AS VARCHAR) AS member_id,
    CAST(judged_payments.paid_at AS TIMESTAMP) AS paid_at,
    CAST(judged_payments.fare AS BIGINT) AS fare,
    CAST(judged_payments.fuel_surcharge AS BIGINT) AS fuel_surcharge,
    CAST(judged_payments.taxes AS BIGINT) AS taxes,
    CAST(judged_payments.miles AS BIGINT) AS miles,
    CAST(judged_payments.krw_per_mile AS DECIMAL(9, 2)) AS krw_per_mile,
    CAST(
        CASE WHEN judged_payments.refusal IS NULL THEN FLOOR(judged_payments.miles_value) END
        AS BIGINT
    ) AS miles_value_krw,
    CAST(judged_payments.refusal AS VARCHAR) AS refusal
FROM judged_payments
