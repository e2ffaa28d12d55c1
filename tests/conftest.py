"""Settings that all tests share, and the one Prefect server that they use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.console import logs
from tests.servers import prefect_server

os.environ.setdefault(
    "NUMBA_CACHE_DIR", str(Path(__file__).parent.parent / ".pytest_cache" / "numba")
)
os.environ["POINTBOOK_PII_KEY"] = "a key for the tests"


def _written_soon(_descriptor: int) -> None:
    """In the place of `os.fsync`: tests kill processes, never the machine, and to wait for the disk
    took a seventh of the rule cases' time.
    """


os.fsync = _written_soon  # type: ignore[assignment]


@pytest.fixture(autouse=True)
def _messages_as_text() -> None:
    """The format and `--quiet` hold for a process; no test leaves them to the next."""
    logs.use("text")


@pytest.fixture(scope="session")
def prefect_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a Prefect server that lives as long as the test session."""
    with prefect_server(tmp_path_factory.mktemp("prefect")) as (url, _):
        yield url


@pytest.fixture(scope="session")
def telecom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small telecom, published; to read or copy only."""
    from tests.membership import published

    return published(tmp_path_factory.mktemp("telecom") / "workspace")


@pytest.fixture(scope="session")
def last_months(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of the sample's last months, in which every table is published; to read only."""
    from flows.calendar.demo import prepare
    from flows.publishing.options import Options
    from tests.commands_in_tests import run_calendar

    workspace = tmp_path_factory.mktemp("last_months") / "workspace"
    prepare(workspace)
    run_calendar(Options(workspace=workspace, memory="1GB", threads=1), "2021-11", "2022-02")
    return workspace
