"""Explain: why a published row is as it is, from the rows themselves."""
