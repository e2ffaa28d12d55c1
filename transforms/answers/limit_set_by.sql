-- purpose: The limit in force at the moment that is asked about, before it, and what set it
-- grain: one row, none where no mobile subscription has the id
-- keys: none
-- inputs: limit_event(account, place, on_day, limit_was_set, limit_before),
--   limit_record(is_mobile, plan_class, credit_grade),
--   limit_events_in_turn(account, place, event_id, requested_at, action, is_accepted),
--   replayed_opening_limits(request_id, requested_at),
--   policy_micropayment_grade_limits(credit_grade, monthly_limit, valid_from, valid_to),
--   policy_micropayment_plan_classes(plan_class, share, valid_from, valid_to)
-- policy: micropayment_grade_limits, micropayment_plan_classes
-- rules: M1, M2
WITH earlier AS (
    SELECT MAX(limit_events_in_turn.place) AS place
    FROM limit_event
    INNER JOIN limit_events_in_turn
        ON limit_event.account = limit_events_in_turn.account
        AND limit_event.place > limit_events_in_turn.place
    WHERE limit_events_in_turn.action = 'set_limit' AND limit_events_in_turn.is_accepted
),

requests AS (
    SELECT limit_events_in_turn.event_id AS request_id, limit_events_in_turn.requested_at
    FROM limit_event
    INNER JOIN limit_events_in_turn ON limit_event.account = limit_events_in_turn.account
    INNER JOIN earlier ON limit_events_in_turn.place = earlier.place
    UNION ALL
    SELECT replayed_opening_limits.request_id, replayed_opening_limits.requested_at
    FROM replayed_opening_limits
    INNER JOIN earlier ON earlier.place IS NULL
    INNER JOIN limit_event ON limit_event.limit_was_set
),

limits AS (
    SELECT
        limit_event.limit_before,
        limit_event.on_day,
        limit_record.plan_class,
        limit_record.credit_grade,
        requests.request_id,
        requests.requested_at
    FROM limit_event
    CROSS JOIN limit_record
    LEFT JOIN requests ON requests.request_id IS NOT NULL
    WHERE limit_record.is_mobile
)

SELECT
    CAST(
        CASE WHEN limits.request_id IS NULL THEN 'standard' ELSE 'requested' END AS VARCHAR
    ) AS said,
    CAST(limits.limit_before AS BIGINT) AS outcome,
    CAST(limits.request_id AS VARCHAR) AS request_id,
    CAST(limits.requested_at AS TIMESTAMP) AS requested_at,
    CAST(limits.plan_class AS VARCHAR) AS plan_class,
    CAST(limits.credit_grade AS BIGINT) AS credit_grade,
    CAST(policy_micropayment_grade_limits.monthly_limit AS BIGINT) AS grade_limit,
    CAST(policy_micropayment_plan_classes.share AS BIGINT) AS share,
    -- the day on which the standard is read, where it is that
    CAST(CASE WHEN limits.request_id IS NULL THEN limits.on_day END AS DATE) AS standard_on
FROM limits
LEFT JOIN policy_micropayment_grade_limits
    ON limits.request_id IS NULL
    AND limits.credit_grade = policy_micropayment_grade_limits.credit_grade
    AND policy_micropayment_grade_limits.valid_from <= limits.on_day
    AND (
        policy_micropayment_grade_limits.valid_to IS NULL
        OR limits.on_day < policy_micropayment_grade_limits.valid_to
    )
LEFT JOIN policy_micropayment_plan_classes
    ON limits.request_id IS NULL
    AND limits.plan_class = policy_micropayment_plan_classes.plan_class
    AND policy_micropayment_plan_classes.valid_from <= limits.on_day
    AND (
        policy_micropayment_plan_classes.valid_to IS NULL
        OR limits.on_day < policy_micropayment_plan_classes.valid_to
    )
