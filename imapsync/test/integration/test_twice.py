"""
Two programs between the same two accounts, each with a database of its own.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import gatherResults
from twisted.internet.task import deferLater

from imapsync.test.integration.alive import Alive
from imapsync.test.integration.messages import mails
from imapsync.test.integration.relay import Relay
from imapsync.test.integration.scene import Scene
from imapsync.test.integration.server import Server
from imapsync.test.integration.test_live import LiveCase

#: How long anything takes one way, in seconds.
LATENCY = 0.1


class Far(Relay):
    """
    A server that is far away.
    """

    def __init__(self, reactor: Any, server: Server) -> None:
        super().__init__(reactor, server)
        self._reactor = reactor
        self._late: deque[tuple[Any, bytes]] = deque()

    def _hand(self, end: Any, data: bytes) -> None:
        self._late.append((end, data))
        self._reactor.callLater(LATENCY, self._arrive)

    def _arrive(self) -> None:
        super()._hand(*self._late.popleft())

    async def close(self) -> None:
        """
        Make an end, and wait for what is under way.
        """
        await super().close()
        await deferLater(self._reactor, 2 * LATENCY)


class TwiceTests(LiveCase):
    """
    A laptop and a server, both live.
    """

    def setUp(self) -> None:
        """
        Both servers are far away.
        """
        super().setUp()
        self.shared = scene = self.scene()
        scene.local.fill("INBOX", mails(3))
        self.relays = [Far(reactor, s) for s in (scene.localServer, scene.remoteServer)]
        for relay in self.relays:
            self.addCleanup(relay.close)

    def over(self, scene: Scene, database: str) -> Alive:
        """
        Start one with that database.
        """
        local, remote = ({"port": str(relay.port)} for relay in self.relays)
        path = {"database": str(scene.directory / database)}
        scene.configure({"": path, "local": local, "remote": remote})
        return self.live(scene)

    async def test_newMail(self) -> None:
        """
        New mail is there twice at the most, and they come to rest.
        """
        self.needs("NOTIFY")
        scene = self.shared
        both: list[Alive] = []
        for database in ("laptop.db", "server.db"):
            both.append(self.over(scene, database))
            await both[-1].equal()
        for number in range(3):
            text = f"Message-ID: <{number}@example>\r\nSubject: {number}\r\n\r\nx\r\n"
            scene.local.append("INBOX", text.encode())
            # It would not fire while one echoes the other.
            await gatherResults([alive.service.syncNow() for alive in both])
        for alive in both:
            await alive.equal()
        count = len(scene.local.uids("INBOX"))
        self.assertLessEqual(count, 3 + 2 * 3)
        for alive in both:
            await alive.service.syncNow()
            self.assertEqual("waiting", alive.state)
            self.assertEqual(0, (await alive.stop()).code)
        self.assertEqual(count, len(scene.remote.uids("INBOX")))
