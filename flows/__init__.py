"""WHEN: the command line and the Prefect flows. No rule and no SQL lives here."""

import gc

# what is imported makes many objects that stay, and each collection would look through them
gc.set_threshold(50_000)
