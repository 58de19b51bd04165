"""
The status page in a real browser.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from imapsync.config.status import StatusConfig
from imapsync.run.status import MailboxStatus, SyncState
from imapsync.test import children
from imapsync.test.fakes.scenery import Scenery
from imapsync.test.integration.browser import Browser, missing
from imapsync.test.integration.messages import mails
from imapsync.test.integration.scene import PROGRAM, Scene, SceneCase, finished
from imapsync.web.service import StatusPage

LISTEN = "tcp:0:interface=127.0.0.1"
TOKEN = "0123456789abcdef"

#: Where axe-core is, which tells what people cannot see, reach or understand.
_AXE = os.environ.get("IMAPSYNC_AXE", "")

_CHECK = """
const [axe, done] = arguments;
Function(axe)();
const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
window.axe.run({ runOnly: tags }).then(
  (found) => done(found.violations.map(
    (one) => `${one.id}: ${one.help}: ${one.nodes.map((node) => node.html).join(" ")}`
  )),
  (error) => done([String(error)]),
);
"""

#: As systemd starts a program that has a socket.
_INHERIT = (
    *(sys.executable, "-c"),
    """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ |= dict(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="page")
os.execv(sys.executable, [sys.executable, "-m", "imapsync", *sys.argv[2:]])
""",
)

_LIVE = "return document.getElementById('link').textContent === 'live'"
_SHOWN = "return [...document.querySelectorAll('#accounts tr:not([hidden])')]"
_NAMES = f"{_SHOWN}.map((row) => row.querySelector('a').textContent)"
_ROW = "document.getElementById(`account:${arguments[0]}`)"


class BrowserCase(TestCase):
    """
    Has a browser.
    """

    timeout = 90
    skip = missing()

    async def begin(self) -> None:
        """
        Begin it; at its end, it has nothing to complain of.
        """
        self.browser = Browser(reactor, Path(self.mktemp()).absolute())
        self.addCleanup(self.browser.stop)
        await self.browser.start()
        await self.browser.looks(1280, 900, dark=False)

    async def complainsOf(self, *words: str) -> None:
        """
        Assert that it complains of that since it was asked last, and of nothing else.
        """
        complaints = await self.browser.complaints()
        unexpected = [
            one for one in complaints if not any(word in one for word in words)
        ]
        self.assertEqual([], unexpected)


class ThousandTests(BrowserCase):
    """
    Many accounts, of which it is only said how they stand.
    """

    def serve(self, count: int, token: str | None = None) -> str:
        """
        Have a page about so many accounts.
        """
        self.scenery = Scenery(count, reactor)
        self.scenery.begin()
        self.addCleanup(self.scenery.watch.stopService)
        config = StatusConfig("the test", LISTEN, token=token)
        page = StatusPage(config, self.scenery.watch, self.scenery.fleet, reactor)
        page.listen()
        page.startService()
        self.addCleanup(page.stopService)
        return page.address

    async def asked(self, what: str, name: str) -> None:
        """
        Wait until that was asked of an account, as the last that was.
        """
        for _ in range(400):
            if self.scenery.fleet.asked[-1] == (what, name):
                return
            await deferLater(reactor, 0.05)
        self.fail(f"{what} was not asked for")

    async def test_thousand(self) -> None:
        """
        A thousand accounts can be searched, sorted and told apart; what changes is
        seen; and what is asked for is done.
        """
        address = self.serve(1000)
        await self.begin()
        browser, fleet = self.browser, self.scenery.fleet
        await browser.go(address)
        await browser.until(_LIVE)
        self.assertEqual(1000, len(await browser.run(_NAMES)))

        await browser.type("#search", "ada.berg")
        names = await browser.run(_NAMES)
        self.assertTrue(names)
        self.assertEqual([], [name for name in names if "ada.berg" not in name])
        self.assertIn("q=ada.berg", await browser.run("return location.search"))
        await browser.go(address)
        await browser.until(_LIVE)

        await browser.press("[data-sort=account]")
        last = (await browser.run(_NAMES))[0]
        self.assertTrue(last.startswith("ken."), last)
        await browser.press("[data-sort=messages]")
        order = (
            "return [...document.querySelectorAll('#accounts td:nth-child(5)')]"
            ".map((cell) => Number(cell.textContent.replaceAll(',', '')))"
        )
        counts = await browser.run(order)
        self.assertEqual(sorted(counts, reverse=True), counts)
        await browser.press("[data-state=trouble]")
        shown = f"{_SHOWN}.every((row) => row.dataset.health === 'trouble')"
        self.assertTrue(await browser.run(shown))

        name = self.scenery.names[500]
        await browser.press("[data-state='']")
        self.scenery.trouble(name)
        trouble = f"return {_ROW}.textContent.includes('Too many connections')"
        await browser.until(trouble, name)
        fleet.remove(name)
        await browser.until(f"return !{_ROW}", name)
        fleet.add("zoe")
        await browser.until(f"return {_ROW}", "zoe")
        await browser.until(f"{_SHOWN}.length === 1000")

        await browser.type("#search", "grace.haas")
        one = (await browser.run(_NAMES))[0]
        await browser.press("#accounts tr:not([hidden]) button[name=sync]")
        await browser.until("return link.textContent.startsWith('Asked to sync')")
        self.assertIn(("sync now", one), fleet.asked)
        await browser.press("#accounts tr:not([hidden]) button[name=pause]")
        await browser.until(f"return {_ROW}.dataset.health === 'paused'", one)
        focused = "return document.activeElement.name"
        await browser.press("#accounts tr:not([hidden]) button[name=resume]")
        await browser.until(f"return {_ROW}.dataset.health !== 'paused'", one)
        self.assertTrue(await browser.run(focused))
        self.assertEqual([("pause", one), ("resume", one)], fleet.asked[-2:])
        await self.complainsOf()

    async def test_account(self) -> None:
        """
        The page of an account tells of what becomes of it, without being loaded again;
        without a program in the browser there is the same to be seen and done.
        """
        address = self.serve(20, TOKEN)
        await self.begin()
        browser, name = self.browser, self.scenery.names[5]
        await browser.go(address)
        await browser.type("#token", "not the token")
        await browser.press("main button")
        await browser.until("return document.querySelector('#wrong')")
        await browser.type("#token", TOKEN)
        await browser.press("main button")
        await browser.until(f"return {_ROW}", name)
        await browser.press(f"a[href='account/{name}']")
        await browser.until(_LIVE)
        self.assertIn(
            "the quota of this mailbox is exceeded",
            await browser.run("return document.body.textContent"),
        )
        self.scenery.fleet.becomes(name, state=SyncState.CONNECTING)
        state = "return document.getElementById('state').textContent.includes('{}')"
        await browser.until(state.format("connecting"))
        await browser.press("button[name=pause]")
        await browser.until(state.format("paused"))
        # What is long does not hide what stands beside it.
        self.scenery.fleet.becomes(name, mailboxes={"A" * 400: MailboxStatus(1)})
        fits = "scrollWidth <= document.querySelector('#mailboxes .wide').clientWidth"
        await browser.until(
            "return document.querySelector('#mailboxes th[scope=row]').textContent[0]"
            f" === 'A' && document.querySelector('#mailboxes .wide').{fits}"
        )
        # It was refused what it asked for before the token was known.
        await self.complainsOf("401", "403")

        await browser.scripting(False)
        await browser.go(f"{address}account/{name}")
        await browser.press("button[name=resume]")
        await self.asked("resume", name)
        await browser.go(f"{address}?q=ada&sort=state&reverse=1")
        await browser.scripting(True)
        await browser.press("header button")
        await browser.until("return document.querySelector('#token')")
        await self.complainsOf("401")

    async def test_tabs(self) -> None:
        """
        More pages than a browser has connections to a host can be open; each goes on as
        soon as it is looked at.
        """
        address = self.serve(9)
        await self.begin()
        browser, names = self.browser, self.scenery.names
        await browser.go(address)
        for name in names[:7]:
            await browser.tab()
            await browser.go(f"{address}account/{name}")
            await browser.until(_LIVE)

    async def test_accessible(self) -> None:
        """
        Nothing is left that axe would find, in light and dark, wide and narrow.
        """
        address = self.serve(12)
        await self.begin()
        browser, axe = self.browser, Path(_AXE).read_text()
        self.scenery.fleet.pause(self.scenery.names[0])
        trouble, work = self.scenery.names[5], self.scenery.names[3]
        for dark in False, True:
            for width in 1280, 360:
                await browser.looks(width, 900, dark)
                for path in "", f"account/{trouble}", f"account/{work}", "nothing":
                    await browser.go(address + path)
                    found = await browser.runUntilCalled(_CHECK, axe)
                    self.assertEqual([], found, (path, dark, width))
                    # Nothing is beside the screen.
                    wide = "return document.documentElement.scrollWidth"
                    self.assertLessEqual(await browser.run(wide), width, path)
        await self.complainsOf("404")

    if not _AXE:
        test_accessible.skip = (  # type: ignore[attr-defined]
            "there is no axe-core here: IMAPSYNC_AXE names its axe.min.js"
        )


class RealTests(BrowserCase, SceneCase):
    """
    The program itself, with real servers.
    """

    def start(self, scene: Scene, listen: str) -> children.Child:
        """
        Start it.
        """
        with scene.file.open("a") as file:
            file.write(f"[status]\nlisten = {listen}\n")
        process = scene.start([*PROGRAM, f"--config={scene.file}"])
        self.addCleanup(children.ended, process)
        self.addCleanup(process.kill)
        return process

    def assertAnswers(self, path: Path) -> None:
        """
        Assert that the program answers at a UNIX socket.
        """
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(children.PATIENCE)
            connection.connect(str(path))
            connection.sendall(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
            answer = connection.makefile("rb").read()
        self.assertTrue(answer.endswith(b"\r\n\r\nok\n"), answer)

    def said(self, process: Any) -> str:
        """
        Where the page is.
        """
        for line in iter(process.stderr.readline, b""):
            if match := re.search(r"The status page is at (\S+)\.\n", line.decode()):
                return match[1]
        raise AssertionError("There is no page.")

    async def test_pair(self) -> None:
        """
        What comes is seen, as soon as it is asked for; an account that is paused rests;
        and the program ends, whoever looks on.
        """
        scene = self.scene()
        scene.remote.fill("INBOX", mails(3, size=100))
        process = self.start(scene, LISTEN)
        address = self.said(process)
        await self.begin()
        browser = self.browser
        await browser.go(f"{address}account/")
        has = "return document.getElementById('{}').textContent.includes('{}')"
        await browser.until(has.format("facts", "Messages on both sides3"))
        await browser.until(has.format("state", "waiting"))
        scene.remote.fill("INBOX", mails(2, size=100))
        await browser.press("button[name=sync]")
        await browser.until(has.format("facts", "Messages on both sides5"))
        await browser.press("button[name=pause]")
        await browser.until(has.format("state", "paused"))
        scene.remote.fill("INBOX", mails(1, size=100))
        await browser.press("button[name=resume]")
        await browser.until(has.format("facts", "Messages on both sides6"))
        await browser.until(has.format("log", "Going on."))
        await self.complainsOf()
        process.send_signal(signal.SIGTERM)
        self.assertEqual(0, children.ended(process))

    def test_taken(self) -> None:
        """
        A port that another program has ends this one, with a line that says so.
        """
        scene = self.scene()
        process = self.start(scene, LISTEN)
        port = self.said(process).rpartition(":")[2].strip("/")
        other = self.scene()
        run = finished(self.start(other, f"tcp:{port}:interface=127.0.0.1"))
        self.complains(
            run, 78, "listen in [status]: cannot listen at", "already in use"
        )

    def test_inherited(self) -> None:
        """
        A UNIX socket that systemd has opened is left as it is, for the next run.
        """
        scene = self.scene()
        path = scene.directory / "page"
        with scene.file.open("a") as file:
            file.write("[status]\nlisten = systemd:domain=UNIX:index=0\n")
        with socket.socket(socket.AF_UNIX) as opened:
            opened.bind(str(path))
            opened.listen(5)
            path.chmod(0o640)
            for _ in range(2):
                process = children.begun(
                    [*_INHERIT, str(opened.fileno()), f"--config={scene.file}"],
                    stderr=children.PIPE,
                    pass_fds=[opened.fileno()],
                )
                self.addCleanup(children.ended, process)
                self.addCleanup(process.kill)
                self.assertEqual(f"unix:{path}", self.said(process))
                self.assertAnswers(path)
                self.assertEqual(0o640, path.stat().st_mode & 0o777)
                process.send_signal(signal.SIGTERM)
                self.assertEqual(0, children.ended(process))
                self.assertTrue(path.exists())

    def test_killed(self) -> None:
        """
        A UNIX socket that a killed program has left is in nobody's way.
        """
        scene = self.scene()
        path = scene.directory / "page"
        process = self.start(scene, f"unix:{path}")
        self.said(process)
        process.kill()
        children.ended(process)
        self.assertTrue(path.exists())
        # Its number is in use again.
        lock = path.with_name("page.lock")
        lock.unlink()
        lock.symlink_to(str(os.getpid()))
        process = scene.start([*PROGRAM, f"--config={scene.file}"])
        self.addCleanup(children.ended, process)
        self.addCleanup(process.kill)
        self.assertEqual(f"unix:{path}", self.said(process))

    def test_socket(self) -> None:
        """
        A UNIX socket is the user's own, and is gone with the program.
        """
        scene = self.scene()
        path = scene.directory / "page"
        process = self.start(scene, f"unix:{path}")
        self.assertEqual(f"unix:{path}", self.said(process))
        self.assertEqual(0o600, path.stat().st_mode & 0o777)
        self.assertAnswers(path)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(0, children.ended(process))
        self.assertFalse(path.exists())
