"""The report: what is published, in one page for everybody."""
