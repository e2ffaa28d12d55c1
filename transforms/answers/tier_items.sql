-- purpose: The lines of the window by product and charge item, those that count first
-- grain: one row per product and charge item with a line
-- keys: product, charge_item
-- inputs: tier_lines(said, passed, product, charge_item, billed_amount, collected_amount)
-- policy: none
-- rules: T2
SELECT
    CAST(tier_lines.said AS VARCHAR) AS said,
    CAST(tier_lines.passed AS BOOLEAN) AS passed,
    CAST(tier_lines.product AS VARCHAR) AS product,
    CAST(tier_lines.charge_item AS VARCHAR) AS charge_item,
    CAST(COUNT(*) AS BIGINT) AS lines,
    CAST(SUM(tier_lines.billed_amount) AS BIGINT) AS billed_amount,
    CAST(SUM(tier_lines.collected_amount) AS BIGINT) AS collected_amount
FROM tier_lines
GROUP BY tier_lines.said, tier_lines.passed, tier_lines.product, tier_lines.charge_item
ORDER BY passed DESC, product, charge_item
