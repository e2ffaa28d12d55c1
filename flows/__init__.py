"""WHEN: the command line and the Prefect flows. No rule and no SQL lives here."""

from __future__ import annotations

import atexit

from flows.console import interrupts


def main() -> None:
    """The `pointbook` command: it answers Ctrl-C also while its modules are imported.

    A failed one ends without the interpreter's last round, in which the database's library would
    list what Prefect keeps of an error.
    """
    interrupts.watch(at_once=True)
    from flows.cli import main as command_line

    interrupts.watch()
    try:
        command_line()
    except SystemExit as ended:
        if isinstance(ended.code, int) and ended.code:
            atexit.register(interrupts.leave, ended.code)
        raise
