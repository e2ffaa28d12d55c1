"""Prefect's server: one that runs already, or one of the workspace's own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from flows.console.errors import NotReady, RunFailed, WrongUsage

API: Final = "PREFECT_API_URL"
_STOPPING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_HOST: Final = "127.0.0.1"
_LOG: Final = "server.log"
_STARTUP_SECONDS: Final = 120.0
_STOP_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.2


def heard() -> list[signal.Signals]:
    """The signals that ask to stop, less those that this process was started to ignore (nohup)."""
    return [number for number in _STOPPING if signal.getsignal(number) is not signal.SIG_IGN]


@contextmanager
def prefect_server(port: int) -> Iterator[str]:
    """The address of the server's page; the server of PREFECT_API_URL, else one of its own.

    Its own lives as long as the block, keeps its database in PREFECT_HOME, and becomes
    PREFECT_API_URL. Raises NotReady where the named one does not answer, WrongUsage where the
    port is taken, RunFailed where its own does not start.
    """
    named = os.environ.get(API)
    if named:
        if not _answers(named):
            raise NotReady(
                f"no Prefect server answers at {named}; start it, or unset {API} to have "
                "pointbook start its own"
            )
        yield _page(named)
        return
    home = Path(os.environ["PREFECT_HOME"])
    api = f"http://{_HOST}:{port}/api"
    _check_port(port, api)
    server = _start(home, port, api)
    try:
        _wait_for(api, server, home / _LOG)
        os.environ[API] = api
        yield _page(api)
    finally:
        os.environ.pop(API, None)
        server.terminate()
        try:
            server.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _start(home: Path, port: int, api: str) -> subprocess.Popen[bytes]:
    """Starts the server out of the terminal's reach, so that it outlives the runs it serves."""
    home.mkdir(parents=True, exist_ok=True)
    settings = {"PREFECT_UI_STATIC_DIRECTORY": str(home / "ui"), "PREFECT_UI_API_URL": api}
    command = ["server", "start", "--host", _HOST, "--port", str(port)]
    with (home / _LOG).open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "prefect", *command],
            env=settings | os.environ,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _check_port(port: int, api: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
            return
        except OSError:
            pass
    found = f"set {API}={api} to use the server there" if _answers(api) else "end what uses it"
    raise WrongUsage(f"port {port} is taken; choose another with --port, or {found}")


def _wait_for(api: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _STARTUP_SECONDS
    while not _answers(api):
        if server.poll() is not None or time.monotonic() > deadline:
            raise RunFailed(f"Prefect's server did not start; {log} says why")
        time.sleep(_POLL_SECONDS)


def _answers(api: str) -> bool:
    try:
        with urllib.request.urlopen(f"{api}/health", timeout=5):
            return True
    except (OSError, ValueError):
        return False


def _page(api: str) -> str:
    return api.removesuffix("/api")
