-- purpose: The answer to the mixed payment that is asked about, with the figures of its reason
-- grain: one row
-- keys: payment_id
-- inputs: asked(asked_id), published_mixed_payment_results(month, payment_id, member_id, paid_at, fare,
--   miles, krw_per_mile, miles_value_krw, cash_due, status, reason),
--   mixed_payment(channel, currency), miles_event(usable_before), miles_enough(short),
--   mixed_payment_open(opens_on, closes_on), mixed_payment_channel(taken_by),
--   mixed_payment_currency(taken_in), mixed_payment_minimum(least_miles),
--   mixed_payment_share(share, greatest_share, greatest_miles)
-- policy: none
-- rules: X1, X2
SELECT
    CAST(
        COALESCE(published_mixed_payment_results.reason, published_mixed_payment_results.status)
        AS VARCHAR
    ) AS said,
    CAST(published_mixed_payment_results.payment_id AS VARCHAR) AS payment_id,
    CAST(published_mixed_payment_results.member_id AS VARCHAR) AS member_id,
    CAST(published_mixed_payment_results.paid_at AS TIMESTAMP) AS paid_at,
    CAST(mixed_payment.channel AS VARCHAR) AS channel,
    CAST(mixed_payment.currency AS VARCHAR) AS currency,
    CAST(published_mixed_payment_results.fare AS BIGINT) AS fare,
    CAST(published_mixed_payment_results.miles AS BIGINT) AS miles,
    CAST(published_mixed_payment_results.krw_per_mile AS DECIMAL(9, 2)) AS krw_per_mile,
    CAST(published_mixed_payment_results.miles_value_krw AS BIGINT) AS miles_value_krw,
    CAST(published_mixed_payment_results.cash_due AS BIGINT) AS cash_due,
    CAST(published_mixed_payment_results.status AS VARCHAR) AS status,
    CAST(published_mixed_payment_results.reason AS VARCHAR) AS reason,
    CAST(published_mixed_payment_results.month AS VARCHAR) AS month,
    CAST(mixed_payment_open.opens_on AS DATE) AS opens_on,
    CAST(mixed_payment_open.closes_on AS DATE) AS closes_on,
    CAST(mixed_payment_channel.taken_by AS VARCHAR) AS taken_by,
    CAST(mixed_payment_currency.taken_in AS VARCHAR) AS taken_in,
    CAST(mixed_payment_minimum.least_miles AS BIGINT) AS least_miles,
    CAST(mixed_payment_share.share AS BIGINT) AS share,
    CAST(mixed_payment_share.greatest_share AS BIGINT) AS greatest_share,
    CAST(mixed_payment_share.greatest_miles AS BIGINT) AS greatest_miles,
    CAST(miles_event.usable_before AS BIGINT) AS usable_before,
    CAST(miles_enough.short AS BIGINT) AS short
FROM asked
INNER JOIN published_mixed_payment_results
    ON asked.asked_id = published_mixed_payment_results.payment_id
CROSS JOIN miles_event
CROSS JOIN mixed_payment
LEFT JOIN mixed_payment_open ON TRUE
LEFT JOIN mixed_payment_channel ON TRUE
LEFT JOIN mixed_payment_currency ON TRUE
LEFT JOIN mixed_payment_minimum ON TRUE
LEFT JOIN mixed_payment_share ON TRUE
LEFT JOIN miles_enough ON TRUE
