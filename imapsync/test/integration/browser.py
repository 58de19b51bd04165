"""
A real browser: Chromium without a window, told by WebDriver what to do.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone, ProcessTerminated
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import deferLater
from twisted.python.failure import Failure
from twisted.web.client import (
    Agent,
    FileBodyProducer,
    HTTPConnectionPool,
    readBody,
)
from twisted.web.http_headers import Headers

#: It is not to look for anything elsewhere, nor to keep anything.
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"),
    *("--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
)


def missing() -> str | None:
    """
    What of it is not there, if anything.
    """
    for name in ("chromium", "chromedriver"):
        if shutil.which(name) is None:
            return f"there is no {name} here: Debian's chromium-driver brings both"
    return None


class WebDriverError(Exception):
    """
    The browser did not do what it was told.
    """


class _Driver(ProcessProtocol):
    """
    @ivar port: fires with the number of the port where it listens.
    @ivar ended: fires when it has ended.
    """

    def __init__(self) -> None:
        self.port: Deferred[int] = Deferred()
        self.ended: Deferred[None] = Deferred()
        self._said = ""

    def outReceived(self, data: bytes) -> None:
        self._said += data.decode("utf-8", "replace")
        match = re.search("started successfully on port ([0-9]+)", self._said)
        if match and not self.port.called:
            self.port.callback(int(match[1]))

    def processEnded(self, reason: Failure) -> None:
        reason.trap(ProcessDone, ProcessTerminated)
        if not self.port.called:
            self.port.errback(WebDriverError(self._said))
        self.ended.callback(None)


class Browser:
    """
    A browser with one page.

    @param folder: for what it keeps meanwhile.
    """

    def __init__(self, reactor: Any, folder: Path) -> None:
        self._reactor = reactor
        self._folder = folder
        self._driver = _Driver()
        pool = HTTPConnectionPool(reactor, persistent=False)
        self._agent = Agent(reactor, pool=pool)
        self._base = ""

    async def start(self) -> None:
        """
        Begin.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        self._process = self._reactor.spawnProcess(
            self._driver,
            str(shutil.which("chromedriver")),
            ["chromedriver", "--port=0"],
            env={"PATH": "/usr/bin:/bin", "HOME": str(self._folder)},
        )
        self._base = f"http://127.0.0.1:{await self._driver.port}/session"
        options = {
            "binary": shutil.which("chromium"),
            "args": [*_FLAGS, f"--user-data-dir={self._folder / 'profile'}"],
        }
        capabilities = {
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL"},
        }
        made = await self._ask(
            "POST", "", {"capabilities": {"alwaysMatch": capabilities}}
        )
        self._base += f"/{made['sessionId']}"

    async def stop(self) -> None:
        """
        End.
        """
        try:
            await self._ask("DELETE", "")
        finally:
            self._process.signalProcess("TERM")
            await self._driver.ended

    async def go(self, address: str) -> None:
        """
        Load a page.
        """
        await self._ask("POST", "/url", {"url": address})

    async def tab(self) -> None:
        """
        Have another page beside those that are open, and look at that.
        """
        opened = await self._ask("POST", "/window/new", {"type": "tab"})
        await self._ask("POST", "/window", {"handle": opened["handle"]})

    async def run(self, script: str, *arguments: object) -> Any:
        """
        What a program in the page returns.
        """
        body = {"script": script, "args": arguments}
        return await self._ask("POST", "/execute/sync", body)

    async def runUntilCalled(self, script: str, *arguments: object) -> Any:
        """
        What a program in the page gives to a function that is its last argument.
        """
        body = {"script": script, "args": arguments}
        return await self._ask("POST", "/execute/async", body)

    async def until(self, script: str, *arguments: object) -> Any:
        """
        What a program in the page returns, as soon as that is true.
        """
        for _ in range(400):
            if found := await self.run(script, *arguments):
                return found
            await deferLater(self._reactor, 0.05)
        raise WebDriverError(f"It never came to be: {script}")

    async def press(self, selector: str) -> None:
        """
        Press a button, or follow a link.
        """
        body = {"using": "css selector", "value": selector}
        while True:
            [found] = (await self._ask("POST", "/element", body)).values()
            try:
                await self._ask("POST", f"/element/{found}/click", {})
            except WebDriverError as error:
                if "stale element" not in str(error):
                    raise
                continue  # another one has come in its place
            return

    async def type(self, selector: str, text: str) -> None:
        """
        Type something into a field.
        """
        body = {"using": "css selector", "value": selector}
        [found] = (await self._ask("POST", "/element", body)).values()
        await self._ask("POST", f"/element/{found}/value", {"text": text})

    async def looks(self, width: int, height: int, dark: bool) -> None:
        """
        Have the screen be of that size, and people like it dark or not.
        """
        size = {"width": width, "height": height, "deviceScaleFactor": 1}
        await self._chrome("Emulation.setDeviceMetricsOverride", **size, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self._chrome("Emulation.setEmulatedMedia", features=[scheme])

    async def scripting(self, allowed: bool) -> None:
        """
        Whether pages may have programs run.
        """
        await self._chrome("Emulation.setScriptExecutionDisabled", value=not allowed)

    async def picture(self) -> bytes:
        """
        What is seen, as PNG.
        """
        return base64.b64decode(await self._ask("GET", "/screenshot"))

    async def complaints(self) -> list[str]:
        """
        What it has said about pages since it was asked last.
        """
        entries = await self._ask("POST", "/se/log", {"type": "browser"})
        return [f"{one['level']}: {one['message']}" for one in entries]

    async def _chrome(self, command: str, **parameters: object) -> Any:
        body = {"cmd": command, "params": parameters}
        return await self._ask("POST", "/goog/cdp/execute", body)

    async def _ask(
        self, verb: str, path: str, body: Mapping[str, object] | None = None
    ) -> Any:
        text = json.dumps(body).encode()
        data = None if body is None else FileBodyProducer(BytesIO(text))
        url = f"{self._base}{path}".encode()
        headers = Headers({"Content-Type": ["application/json"]})
        response = await self._agent.request(verb.encode(), url, headers, data)
        value = json.loads(await readBody(response))["value"]
        if response.code != 200:
            raise WebDriverError(f"{path}: {value['message']}")
        return value
