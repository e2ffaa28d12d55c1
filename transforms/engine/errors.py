"""What an engine says when it can't do what a transform asks."""

from __future__ import annotations


class QueryError(Exception):
    """A transform that could not be run: names the transform or table, and what was wrong."""


class OutOfMemory(QueryError):
    """A transform that there was no memory for beside what else was going on."""


class RowsOutOfOrder(QueryError):
    """Rows of a table that don't stand in its order, each key once; names the claim and a row."""
