-- purpose: the quarantined rows of one file, refused and conflicting ones, in the file's order
-- grain: one row per quarantined row
-- keys: line
-- inputs: refused(export, file, line, raw_text, reasons, sheet),
--   conflicting(export, file, line, raw_text, reasons, sheet)
-- policy: none
-- rules: D1
SELECT export, file, line, raw_text, reasons, sheet FROM refused
UNION ALL
SELECT export, file, line, raw_text, reasons, sheet FROM conflicting
ORDER BY line
