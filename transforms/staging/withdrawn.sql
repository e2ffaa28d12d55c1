-- purpose: the staged rows that an earlier reading of a file brought which is read anew, but for those
--   that it brings just so again
-- grain: one row per withdrawn row
-- keys: scope, record_key, record_revision, delivery
-- inputs: standing(*), earlier(scope, record_key, record_revision, content, source_file),
--   read_before(source_file, delivery), arrivals(scope, record_key, content), run_context(delivery)
-- policy: none
-- rules: D2
WITH brought AS (
    SELECT DISTINCT
        earlier.scope,
        earlier.record_key,
        earlier.record_revision,
        earlier.content,
        read_before.delivery
    FROM earlier
    INNER JOIN read_before ON earlier.source_file = read_before.source_file
)

SELECT
    standing.* EXCLUDE (content),
    run_context.delivery AS replaced_by
FROM standing
SEMI JOIN brought USING (scope, record_key, record_revision, content, delivery)
ANTI JOIN arrivals USING (scope, record_key, content)
CROSS JOIN run_context
