"""The errors that end a command, each with its exit code.

A message is one line that says what went wrong, where, and what to do next.
"""

from __future__ import annotations

from typing import ClassVar


def line_of(error: BaseException) -> str:
    """An unexpected error, in one line: its type and message."""
    return " ".join(f"{type(error).__name__}: {error}".split())


class PointbookError(Exception):
    """An error that a command ends with; its text is the line that the operator reads."""

    exit_code: ClassVar[int] = 1


class RunFailed(PointbookError):
    """The run failed; nothing of its tables was published."""


class WorkspaceHeld(RunFailed):
    """Another process holds the workspace's lock; a later try can succeed."""


class WrongUsage(PointbookError):
    """The command was called wrongly, or with settings that make no sense."""

    exit_code = 2


class HeldBack(PointbookError):
    """An export file was held back for its reject rate, or rejected whole."""

    exit_code = 3


class NotReady(PointbookError):
    """A delivery or table that the command needs is not there yet."""

    exit_code = 4


class ProofFailed(PointbookError):
    """A published file was changed, or does not follow from what was delivered."""
