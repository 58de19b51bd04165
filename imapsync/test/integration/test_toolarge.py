"""
Messages that are larger than a server takes: Cyrus says so, and hangs up if it is
sent one nevertheless.
"""

from __future__ import annotations

import functools
from dataclasses import replace

from twisted.internet import reactor
from twisted.logger import LogLevel, capturedLogs, formatEvent

from imapsync.test.integration.accounts import Mail
from imapsync.test.integration.cyrus import Cyrus, Settings
from imapsync.test.integration.dovecot import mdboxServer
from imapsync.test.integration.inprocess import syncHere
from imapsync.test.integration.relay import Relay
from imapsync.test.integration.scene import Run, Scene, SceneCase

LIMIT = 20_000


@functools.cache
def strictServer() -> Cyrus:
    """
    A server that takes small messages only.
    """
    return Cyrus(Settings(sizeLimit=LIMIT))


class TooLargeTests(SceneCase):
    """
    One such message is no obstacle for others.
    """

    def prepared(self) -> Scene:
        """
        An account with many small messages, and some large ones among them.
        """
        scene = self.scene(mdboxServer(), strictServer())
        self.small = [Mail(b"Subject: %d\r\n\r\nText\r\n" % n) for n in range(20)]
        large = [
            Mail(b"Subject: large\r\n\r\n" + b"x" * octets + b"\r\n")
            for octets in (LIMIT, 1_400_000)
        ]
        scene.local.fill("INBOX", [*self.small[:10], *large, *self.small[10:]])
        scene.local.create("Work")
        scene.local.fill("Work", [*self.small[:3], large[1], *self.small[3:5]])
        return scene

    def check(self, scene: Scene, run: Run, *said: str) -> None:
        """
        All others are copied, before and behind the large ones and in other mailboxes;
        those are named.
        """
        self.assertEqual(1, run.code, run.tail)
        self.holds(scene.remote, "INBOX", [mail.body for mail in self.small])
        self.holds(scene.remote, "Work", [mail.body for mail in self.small[:5]])
        for line in (
            "INBOX: local: UID 11",
            "INBOX: local: UID 12",
            "Work: local: UID 4",
        ):
            self.assertEqual(1, run.errors.count(f"{line}: not copied: "), run.tail)
        self.assertEqual(3, sum(map(run.errors.count, said)), run.tail)

    def test_told(self) -> None:
        """
        The server says how large a message may be: it is not even sent; in the next
        run it is not even fetched.
        """
        self.needs("APPENDLIMIT")
        scene = self.prepared()
        self.check(scene, scene.sync("--debug"), "(APPENDLIMIT)")
        new = Mail(b"Subject: new\r\n\r\nText\r\n")
        scene.local.append("INBOX", new.body)
        self.small.append(new)
        run = scene.sync("--debug")
        self.check(scene, run, "(APPENDLIMIT)")
        self.assertNotIn("{14000", run.errors)

    async def test_untold(self) -> None:
        """
        It says NO, and hangs up: that is found out in a few attempts, and in the next
        run it is asked first.  Its NO may be lost on the way, when it hangs up while
        more is sent to it.
        """
        said = "[TOOBIG]", "the connection breaks over it"
        scene = self.prepared()
        relay = Relay(reactor, scene.remoteServer)
        relay.edit = lambda line: line.replace(b" APPENDLIMIT=20000", b"")
        try:
            scene.configure({"remote": {"port": str(relay.port)}})
            self.check(scene, await self.run_(scene), *said)
            run = await self.run_(scene)
            self.assertNotIn("trying again", run.errors)
            self.check(scene, run, *said)
        finally:
            await relay.close()

    async def run_(self, scene: Scene) -> Run:
        """
        Run once, in this process.
        """
        with capturedLogs() as events:
            run = await syncHere(scene, reactor)
        lines = [formatEvent(e) for e in events if e["log_level"] > LogLevel.debug]
        return replace(run, errors="\n".join(lines))
