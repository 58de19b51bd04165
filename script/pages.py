"""
The pictures that C{script/pages} takes.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react
from twisted.logger import Logger, globalLogBeginner

from imapsync.config.status import StatusConfig
from imapsync.test.fakes.scenery import Scenery
from imapsync.test.integration.browser import Browser
from imapsync.web.service import StatusPage

#: How many accounts there are, and which one is in trouble.
COUNT, TROUBLE = 240, 5

WIDTH = 1280

LOG = (
    ("info", "Both servers tell of changes."),
    ("info", "INBOX: 4 copied remote to local"),
    ("info", "Archive/2026: 2 flags set on remote"),
    (
        "warn",
        "Archive/2026: remote refused UID 4711: [TOOBIG] the message is larger than the"
        " 25.0 MiB that the server takes",
    ),
    (
        "error",
        "remote: imap.example.net:993 closed the connection: Too many connections from"
        " this address; again in 2 minutes",
    ),
)


@contextmanager
def served(reactor: Any) -> Iterator[tuple[str, str]]:
    """
    Meanwhile, have a page: its address, and the name of an account in trouble.
    """
    scenery = Scenery(COUNT, reactor)
    scenery.begin()
    name = scenery.names[TROUBLE]
    for level, text in LOG:
        getattr(Logger("imapsync"), level)("{text}", text=text, account=name)
    config = StatusConfig("script/pages", "tcp:0:interface=127.0.0.1")
    page = StatusPage(config, scenery.watch, scenery.fleet, reactor)
    page.listen()
    page.startService()
    try:
        yield page.address, name
    finally:
        page.stopService()
        scenery.watch.stopService()


async def taken(reactor: Any, folder: Path) -> None:
    """
    Take both.
    """
    with tempfile.TemporaryDirectory() as kept, served(reactor) as (address, name):
        browser = Browser(reactor, Path(kept))
        await browser.start()
        try:
            for file, path, height in (
                ("status-page.png", "?sort=state", 660),
                ("status-account.png", f"account/{name}", 1010),
            ):
                await browser.looks(WIDTH, height, dark=False)
                await browser.go(address + path)
                await browser.until("return !document.getElementById('link').hidden")
                (folder / file).write_bytes(await browser.picture())
        finally:
            await browser.stop()


def main(reactor: Any, folder: str) -> Deferred[None]:
    """
    Begin.
    """
    globalLogBeginner.beginLoggingTo([], redirectStandardIO=False)
    return Deferred.fromCoroutine(taken(reactor, Path(folder)))


if __name__ == "__main__":
    react(main, sys.argv[1:])
