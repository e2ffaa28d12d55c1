-- purpose: The price with which the answer to the payment would be the other one
-- grain: one row, none where no price gives another answer
-- keys: none
-- inputs: micropayment_total(said, amount, over, short)
-- policy: none
-- rules: M3
WITH prices AS (
    SELECT
        micropayment_total.said,
        CASE
            WHEN micropayment_total.said = 'within' THEN micropayment_total.over + 1
            ELSE micropayment_total.short
        END AS difference,
        CASE
            WHEN micropayment_total.said = 'within'
                THEN micropayment_total.amount + micropayment_total.over + 1
            ELSE micropayment_total.amount - micropayment_total.short
        END AS amount
    FROM micropayment_total
    WHERE micropayment_total.said IN ('within', 'above')
)

SELECT
    CAST(CASE WHEN prices.said = 'within' THEN 'more' ELSE 'less' END AS VARCHAR) AS said,
    CAST(prices.difference AS BIGINT) AS difference,
    CAST(prices.amount AS BIGINT) AS amount
FROM prices
WHERE prices.amount >= 1
