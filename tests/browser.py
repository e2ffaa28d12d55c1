"""Chromium without a screen, as Debian has it: what a page looks like, asks for, and what axe says.

It is driven over its own debugging port; there is no library between.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.request import urlopen

from websockets.sync.client import connect
from websockets.sync.connection import Connection

CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser")
_FLAGS: Final = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--remote-debugging-port=0", "--remote-allow-origins=*"),
)
_PATIENCE: Final = 240.0


class Tab:
    """A tab of a running Chromium; `requests`: the addresses that its page asked for."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._number = 0
        self.requests: list[str] = []
        self.complaints: list[str] = []
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Sends a command; returns its result, and keeps what the page did meanwhile."""
        self._number += 1
        sent = {"id": self._number, "method": method, "params": parameters}
        self._connection.send(json.dumps(sent))
        while True:
            told = json.loads(self._connection.recv(timeout=_PATIENCE))
            self._note(told)
            if told.get("id") == self._number:
                assert "error" not in told, told
                result: dict[str, Any] = told["result"]
                return result

    def _note(self, told: dict[str, Any]) -> None:
        if told.get("method") == "Network.requestWillBeSent":
            self.requests.append(told["params"]["request"]["url"])
        if told.get("method") == "Log.entryAdded":
            self.complaints.append(told["params"]["entry"]["text"])
        if told.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(str(told["params"]["exceptionDetails"]))

    def look(self, width: int, *, dark: bool = False, scripts: bool = True) -> None:
        """Sets what the next pages are looked at with."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 640}
        self.send("Emulation.setDeviceMetricsOverride", **size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])
        self.send("Emulation.setScriptExecutionDisabled", value=not scripts)

    def open(self, page: Path) -> None:
        """Opens a page, and waits until it is there."""
        self.send("Page.navigate", url=page.as_uri())
        ends = time.monotonic() + _PATIENCE
        while self.run("document.readyState") != "complete" or "#" not in self.run(
            "document.title + '#'"
        ):
            assert time.monotonic() < ends
            time.sleep(0.05)

    def run(self, script: str) -> Any:
        """The value of a script, or of its promise."""
        found = self.send(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def violations(self) -> list[str]:
        """What axe-core finds wrong with the page, its folded parts opened, as rule and element."""
        self.run("for (const each of document.querySelectorAll('details')) each.open = true")
        self.run((files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8"))
        found = self.run("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{rule['id']}: {node['html'][:200]} {node.get('failureSummary', '')[:300]}"
            for rule in found["violations"]
            for node in rule["nodes"]
        ]

    def picture(self, top: int = 0, height: int = 900) -> bytes:
        """A part of the page as PNG, over its whole width."""
        width = self.run("document.documentElement.clientWidth")
        clip = {"x": 0, "y": top, "width": width, "height": height, "scale": 1}
        found = self.send(
            "Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True
        )
        return base64.b64decode(found["data"])


@contextmanager
def tab() -> Iterator[Tab]:
    """A tab of a Chromium of its own, which ends with the block."""
    assert CHROMIUM
    with TemporaryDirectory(prefix="chromium-") as profile:
        browser = subprocess.Popen(
            [CHROMIUM, *_FLAGS, f"--user-data-dir={profile}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            with connect(_address(Path(profile), browser), max_size=None) as connection:
                yield Tab(connection)
        finally:
            browser.terminate()
            browser.wait(timeout=_PATIENCE)


def _address(profile: Path, browser: subprocess.Popen[bytes]) -> str:
    """Where the first tab listens."""
    told = profile / "DevToolsActivePort"
    ends = time.monotonic() + _PATIENCE
    while not (told.is_file() and told.read_text().count("\n")):
        assert browser.poll() is None, "Chromium ended"
        assert time.monotonic() < ends, "Chromium does not start"
        time.sleep(0.05)
    port = told.read_text().split("\n")[0]
    with urlopen(f"http://127.0.0.1:{port}/json/list") as answer:
        pages = [each for each in json.load(answer) if each["type"] == "page"]
    return str(pages[0]["webSocketDebuggerUrl"])
