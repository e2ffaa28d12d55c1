"""Prefect's server with a guard before it, as a process: `python -m flows.prefect_flows.guard`.

Prefect's own protection asks for a CSRF token before it asks who is there, and lets any page call
what needs neither. The guard comes first: no request from another origin, and none to the API
without the workspace's secret.
"""

from __future__ import annotations

import base64
import hmac
import os
import signal
import socket
import sys
import threading
from typing import Any, Final

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

SECRET: Final = "PREFECT_SERVER_API_AUTH_STRING"
_API: Final = "/api"
_FOR_ALL: Final = ("/api/health", "/api/ready")
"""What says no more than that a server runs."""


class Guard:
    """Hands on what comes from the server's own page or from no page, with the secret.

    `origins`: those of its page. The page's own files, which hold nothing, are for everybody.
    """

    def __init__(self, app: ASGIApp, secret: str, origins: tuple[str, ...]) -> None:
        self._app = app
        self._credentials = f"Basic {base64.b64encode(secret.encode()).decode()}".encode()
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuses a request with 403 or 401, or lets the app answer it."""
        refused = self._refused(scope) if scope["type"] in ("http", "websocket") else None
        if refused is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            code, why = refused
            await JSONResponse({"detail": why}, code)(scope, receive, send)

    def _refused(self, scope: Scope) -> tuple[int, str] | None:
        """Why a request is refused, with the status; sockets hand over the secret themselves."""
        headers = Headers(scope=scope)
        if headers.get("origin", self._origins[0]) not in self._origins:
            return 403, "another origin"
        path = scope["path"]
        if scope["type"] == "websocket" or not path.startswith(_API) or path in _FOR_ALL:
            return None
        given = headers.get("authorization", "").encode()
        return None if hmac.compare_digest(given, self._credentials) else (401, "Unauthorized")


def _end_with_whoever_started_it() -> None:
    """Ends the process once its standard input does: whoever started it is gone."""
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def main(descriptor: int) -> None:
    """Serves on a socket that is open already, so that nobody else can have taken its port."""
    import uvicorn
    from prefect.server.api.server import create_app

    threading.Thread(target=_end_with_whoever_started_it, daemon=True).start()
    listening = socket.socket(fileno=descriptor)
    port = listening.getsockname()[1]
    origins = tuple(f"http://{host}:{port}" for host in ("127.0.0.1", "localhost"))
    app: Any = Guard(create_app(final=True), os.environ[SECRET], origins)
    config = uvicorn.Config(app, log_level="error", lifespan="on", timeout_graceful_shutdown=2)
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main(int(sys.argv[1]))
