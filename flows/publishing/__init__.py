"""How tables become current: the workspace, runs, write-audit-publish, commits, the catalog."""
