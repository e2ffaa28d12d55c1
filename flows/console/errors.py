"""What can go wrong, with the exit code that each means. A message is one line: what, where, what
to do next."""

from __future__ import annotations

from typing import ClassVar


def line_of(error: BaseException) -> str:
    """An error that nobody foresaw, in one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())


class PointbookError(Exception):
    """An error that a command ends with; its text is the line that the operator reads."""

    exit_code: ClassVar[int] = 1


class RunFailed(PointbookError):
    """The run failed; nothing of its tables was published."""

    exit_code = 1


class WorkspaceHeld(RunFailed):
    """Another process keeps the workspace; it passes."""


class WrongUsage(PointbookError):
    """The command was called wrongly, or with settings that make no sense."""

    exit_code = 2


class HeldBack(PointbookError):
    """An export file was held back for its reject rate."""

    exit_code = 3


class NotReady(PointbookError):
    """Something that the command needs is not there yet."""

    exit_code = 4


class ProofFailed(PointbookError):
    """Something published is not what it was, or does not follow from what was delivered."""

    exit_code = 1
