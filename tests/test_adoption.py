"""The page that leads from an unknown file to a tier, walked from its first to its last command."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from transforms.policies.policy import DATA

PAGE: Final = (DATA / "README.md").read_text(encoding="utf-8")
GAP: Final = "…"


def commands() -> list[tuple[str, list[str]]]:
    """The page's commands, each with the lines that it says are printed."""
    (block,) = re.findall(r"^```\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    found: list[tuple[str, list[str]]] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


def as_printed(told: list[str], printed: str) -> bool:
    """Whether what is told is what was printed, any text in the place of each gap."""
    pattern = ""
    for line in told:
        words = ".*".join(map(re.escape, line.split(GAP)))
        pattern += r"(?:.*\n)*" if line == GAP else words + r" *\n"
    return re.fullmatch(pattern, printed) is not None


def test_the_walk_prints_what_the_page_says(tmp_path: Path) -> None:
    shutil.copytree(DATA / "sources", tmp_path / "data" / "sources")
    here = Path(__file__).parents[1]
    program = tmp_path / "bin" / "pointbook"
    program.parent.mkdir()
    code = "from flows.cli import main; main()"
    program.write_text(f"#!/bin/sh\nexec {sys.executable} -c '{code}' \"$@\"\n")
    program.chmod(0o700)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("POINTBOOK_", "PREFECT_"))}
    settings = kept | {
        "PYTHONPATH": str(here),
        "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
    }
    walked = commands()
    assert len(walked) == 9
    exported = ""
    for command, told in walked:
        if command.startswith("export "):
            exported += f"{command}; "
        done = subprocess.run(
            ["/bin/sh", "-c", exported + command],
            cwd=tmp_path,
            env=settings,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        assert as_printed(told, done.stdout), f"{command}\n{done.stdout}"
