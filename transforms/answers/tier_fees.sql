-- purpose: What the customer's bills of the window come to: the lines that count, and all of them
-- grain: one row
-- keys: none
-- inputs: tier_lines(passed, billed_amount, collected_amount)
-- policy: none
-- rules: T2, T3
SELECT
    CAST(COALESCE(SUM(tier_lines.collected_amount) FILTER (WHERE tier_lines.passed), 0) AS BIGINT)
        AS outcome,
    CAST(COUNT(*) FILTER (WHERE tier_lines.passed) AS BIGINT) AS counting_lines,
    CAST(COUNT(*) AS BIGINT) AS lines,
    CAST(COALESCE(SUM(tier_lines.billed_amount) FILTER (WHERE tier_lines.passed), 0) AS BIGINT)
        AS billed_amount
FROM tier_lines
