"""Prefect's server: one that runs already, or one of the workspace's own behind a guard.

Its own listens on the loopback address alone and takes no request without the workspace's secret.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from flows.console.errors import NotReady, RunFailed, WrongUsage
from flows.publishing.workspace import open_private, read_private

API: Final = "PREFECT_API_URL"
HOME: Final = ".prefect"
SECRET: Final = "auth"
"""The file of the workspace's secret, in its folder of Prefect; the page asks for it."""
_AUTH: Final = "PREFECT_API_AUTH_STRING"
_SERVED: Final = "served"
"""The file that names the server which a `serve` runs, and which that server keeps locked."""
_STOPPING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_HOST: Final = "127.0.0.1"
_LOG: Final = "server.log"
_KEY: Final = "POINTBOOK_PII_KEY"
_STARTUP_SECONDS: Final = 120.0
_STOP_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.1


def heard() -> list[signal.Signals]:
    """The signals that ask to stop, less those that this process was started to ignore (nohup)."""
    return [number for number in _STOPPING if signal.getsignal(number) is not signal.SIG_IGN]


def secret_of(workspace: Path) -> str:
    """The workspace's secret, as Prefect's page asks for it; made once.

    Raises RunFailed where others could read the file that holds it.
    """
    path = workspace / HOME / SECRET
    with suppress(FileNotFoundError):
        return read_private(path).decode()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = path.with_name(f"{SECRET}-{os.getpid()}")
    made.unlink(missing_ok=True)
    with open_private(made) as file:
        file.write(f"pointbook:{secrets.token_urlsafe(32)}".encode())
    with suppress(FileExistsError):
        os.link(made, path)
    made.unlink()
    return read_private(path).decode()


class Server:
    """A server that can be used: the address of its API, and how to stop it."""

    def __init__(
        self, api: str, process: subprocess.Popen[bytes] | None = None, log: Path | None = None
    ) -> None:
        self.api = api
        self._process = process
        self._log = log

    @property
    def page(self) -> str:
        """The address of its page."""
        return self.api.removesuffix("/api")

    def wait(self) -> None:
        """Waits until it answers; raises RunFailed where it does not start."""
        deadline = time.monotonic() + _STARTUP_SECONDS
        while not _answers(self.api):
            ended = self._process is not None and self._process.poll() is not None
            if ended or time.monotonic() > deadline:
                raise RunFailed(f"Prefect's server did not start; {self._log or self.api} says why")
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """Ends a server of the workspace's own."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def find_server(workspace: Path) -> Server | None:
    """The server of PREFECT_API_URL, else the one that a `serve` runs for the workspace.

    Raises NotReady where the named one does not answer.
    """
    if named := os.environ.get(API):
        if not _answers(named):
            raise NotReady(
                f"no Prefect server answers at {named}; start it, or unset {API} to have "
                "pointbook start its own"
            )
        return Server(named)
    if served := _served(workspace):
        _use(workspace, served)
        return Server(served)
    return None


def start_server(workspace: Path, port: int | None = None) -> Server:
    """Starts a server of the workspace's own, and names it to Prefect in this process.

    With a port, it has the page and is found by other commands of the workspace; without one it
    is embedded. It ends with this process. Raises WrongUsage where the port is taken.
    """
    home = Path(os.environ["PREFECT_HOME"])
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    secret = secret_of(workspace)
    with _listening(port) as listening:
        api = f"http://{_HOST}:{listening.getsockname()[1]}/api"
        page = {"PREFECT__SERVER_EPHEMERAL": "1", "PREFECT_UI_ENABLED": "0"}
        if port is not None:
            page = {"PREFECT_UI_STATIC_DIRECTORY": str(home / "ui"), "PREFECT_UI_API_URL": "/api"}
        settings = {
            **{name: value for name, value in os.environ.items() if name != _KEY},
            **page,
            "PREFECT__SERVER_FINAL": "1",
            "PREFECT_SERVER_API_AUTH_STRING": secret,
            "PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED": "true",
            "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS": api.removesuffix("/api"),
        }
        with (
            open_private(home / _LOG, "w") as log,
            _naming(workspace, None if port is None else api) as named,
        ):
            process = subprocess.Popen(
                [sys.executable, "-m", "flows.prefect_flows.guard", str(listening.fileno())],
                env=settings,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                pass_fds=[listening.fileno(), *named],
                # out of the terminal's reach, so that it outlives what it serves
                start_new_session=True,
            )
    _use(workspace, api)
    return Server(api, process, home / _LOG)


@contextmanager
def available(workspace: Path) -> Iterator[None]:
    """A server for what runs from now on: one that runs already, else an embedded one.

    While the server starts the block can import Prefect, which takes as long. It ends after all
    that Prefect does when the process ends.
    """
    server = find_server(workspace)
    if server is None:
        server = start_server(workspace)
        # registered before Prefect is imported, so that it is done after what Prefect registers
        atexit.register(server.stop)
    yield
    server.wait()


def _use(workspace: Path, api: str) -> None:
    """Names a server of the workspace's own to Prefect, which reads this when it is imported."""
    os.environ |= {
        API: api,
        _AUTH: secret_of(workspace),
        "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "1",
    }


@contextmanager
def _listening(port: int | None) -> Iterator[socket.socket]:
    """A socket that listens on the loopback address: on a port, or on a free one."""
    with socket.socket() as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind((_HOST, port or 0))
        except OSError:
            api = f"http://{_HOST}:{port}/api"
            found = f"set {API}={api} to use the server there"
            found = found if _answers(api) else "end what uses it"
            raise WrongUsage(
                f"port {port} is taken; choose another with --port, or {found}"
            ) from None
        made.listen(128)
        yield made


@contextmanager
def _naming(workspace: Path, api: str | None) -> Iterator[list[int]]:
    """Names a server to other commands while the process that inherits the descriptors lives."""
    if not api:
        yield []
        return
    with open_private(workspace / HOME / _SERVED) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise WrongUsage(f"{workspace} is served already, at {_served(workspace)}") from None
        file.truncate(0)
        file.write(api.encode())
        yield [file.fileno()]


def _served(workspace: Path) -> str | None:
    """The API of the server that a `serve` runs for the workspace, if one does.

    It keeps the file locked that names it, so that no other process is taken for it.
    """
    path = workspace / HOME / _SERVED
    with suppress(FileNotFoundError), path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return read_private(path).decode()
    return None


def _answers(api: str) -> bool:
    try:
        with urllib.request.urlopen(f"{api}/health", timeout=5):
            return True
    except (OSError, ValueError):
        return False
