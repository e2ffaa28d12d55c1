"""Scenarios: what would be published under other policies."""
