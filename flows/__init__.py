"""WHEN: the command line and the Prefect flows. No rule and no SQL lives here."""
