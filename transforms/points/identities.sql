-- purpose: What was on record of each applicant at the time of the application: the row with the latest
--   updated_at by then, else the first
-- grain: one row per refund application of a known customer
-- keys: application_id
-- inputs: refund_applications(application_id, customer_id, applied_at),
--   customers(customer_id, contact, address, updated_at),
--   customers_history(customer_id, contact, address, updated_at)
-- policy: none
-- rules: P6, R2
WITH records AS (
    SELECT
        customers.customer_id,
        customers.contact,
        customers.address,
        customers.updated_at
    FROM customers
    UNION ALL
    SELECT
        customers_history.customer_id,
        customers_history.contact,
        customers_history.address,
        customers_history.updated_at
    FROM customers_history
),

records_of_applicants AS (
    SELECT
        refund_applications.application_id,
        records.contact,
        records.address,
        ROW_NUMBER() OVER (
            PARTITION BY refund_applications.application_id
            ORDER BY
                CASE
                    WHEN records.updated_at <= refund_applications.applied_at
                        THEN records.updated_at
                END DESC NULLS LAST,
                records.updated_at
        ) AS place
    FROM records
    INNER JOIN refund_applications ON records.customer_id = refund_applications.customer_id
)

SELECT
    CAST(records_of_applicants.application_id AS VARCHAR) AS application_id,
    CAST(records_of_applicants.contact AS VARCHAR) AS contact,
    CAST(records_of_applicants.address AS VARCHAR) AS address
FROM records_of_applicants
WHERE records_of_applicants.place = 1
