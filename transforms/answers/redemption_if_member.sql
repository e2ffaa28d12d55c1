-- purpose: By how many days the day of use lies outside the customer's membership
-- grain: one row, none where it does not
-- keys: none
-- inputs: redemption_membership(said, used_on, joined_on, terminated_on)
-- policy: none
-- rules: P4, R1
SELECT
    CAST(redemption_membership.said AS VARCHAR) AS said,
    CAST(
        CASE redemption_membership.said
            WHEN 'not_yet'
                THEN date_diff(
                    'day', redemption_membership.used_on, redemption_membership.joined_on
                )
            ELSE date_diff(
                    'day', redemption_membership.terminated_on, redemption_membership.used_on
                )
                + 1
        END
        AS BIGINT
    ) AS days,
    CAST(redemption_membership.used_on AS DATE) AS used_on
FROM redemption_membership
WHERE redemption_membership.said IN ('not_yet', 'no_longer')
