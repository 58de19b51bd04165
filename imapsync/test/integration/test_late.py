"""
Messages that real servers store after the connection that brought them is gone.

What lies between holds them back, and lets them through when the next run has sent
them once more.
"""

from __future__ import annotations

import signal
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from imapsync.test.children import joined
from imapsync.test.integration.accounts import Mail
from imapsync.test.integration.cyrus import dottedCyrus
from imapsync.test.integration.dovecot import maildirServer, mdboxServer
from imapsync.test.integration.ended import started
from imapsync.test.integration.inprocess import syncHere
from imapsync.test.integration.relay import Relay, Way
from imapsync.test.integration.scene import SceneCase
from imapsync.test.integration.server import Server


class Withholding(Relay):
    """
    Holds back an APPEND when leave was given to send it, and all that comes behind it.

    @param first: the first message in it.
    @param last: the last one.
    @ivar held: fires when it has come whole.
    @ivar stored: fires when the server has stored it after all.
    """

    def __init__(self, reactor: Any, server: Server, first: bytes, last: bytes) -> None:
        super().__init__(reactor, server)
        self._first, self._last = first, last
        self._kept = bytearray()
        self._end: Any = None
        self.held: Deferred[None] = Deferred()
        self.stored: Deferred[None] = Deferred()

    def passOn(self, end: Any, data: bytes) -> None:
        """
        Hand on what came in at C{end}, or not.
        """
        if end.way is Way.FROM_SERVER:
            if end is self._server_end and b"APPENDUID" in data:
                self.stored.callback(None)
            super().passOn(end, data)
        elif end is self._end or (self._end is None and self._first in data):
            self._end = end
            end.other.lasts = True
            self._kept += data
            if self._last + b"\r\n" in self._kept and not self.held.called:
                self.held.callback(None)
        else:
            super().passOn(end, data)

    @property
    def _server_end(self) -> Any:
        return self._end.other if self._end else None

    def drop(self) -> None:
        """
        Drop the client, as it seems to that.
        """
        self._end.cut()

    def letThrough(self) -> Deferred[None]:
        """
        Let it through.
        """
        self._server_end.lasts = False
        self._server_end.write(bytes(self._kept))
        return self.stored


class LateTests(SceneCase):
    """
    In the end, each is there once, and what was somebody's own stays.
    """

    timeout = 60

    async def check(self, server: Server, kill: bool) -> None:
        """
        A connection is cut, or its process killed, when the last octets have gone.
        """
        scene = self.scene(mdboxServer(), server)
        some = [_mail(number) for number in range(8)]
        scene.local.fill("INBOX", some)
        relay = Withholding(reactor, server, some[0].body, some[-1].body)
        try:
            scene.configure({"remote": {"port": str(relay.port)}})
            if kill:
                process = started(scene)
                await relay.held
                process.kill()
                self.assertEqual(-signal.SIGKILL, await deferToThread(joined, process))
            else:
                relay.held.addCallback(lambda _: relay.drop())
            run = await syncHere(scene, reactor)
            self.assertEqual(0, run.code, run.tail)
            self.assertEqual(8, len(scene.remote.uids("INBOX")))
            await relay.letThrough()
        finally:
            await relay.close()
        scene.configure({})
        self.assertEqual(16, len(scene.remote.uids("INBOX")))
        # Not ours, and the same but for the date.
        scene.remote.fill("INBOX", [replace(some[2], date=some[3].date)])
        run = self.ends(scene, 0)
        self.assertIn("stored late", run.errors)
        self.assertEqual(9, len(scene.remote.uids("INBOX")), run.tail)
        self.assertEqual(9, len(scene.local.uids("INBOX")), run.tail)
        self.assertEqual([], scene.differences())
        self.isIdle(scene)

    async def test_killed(self) -> None:
        """
        A process that was killed, and started again at once.
        """
        for server in maildirServer(), dottedCyrus():
            await self.check(server, kill=True)

    async def test_cut(self) -> None:
        """
        A connection that was cut, and made again by the same run.
        """
        for server in maildirServer(), dottedCyrus():
            await self.check(server, kill=False)


def _mail(number: int) -> Mail:
    """
    One that is sent without asking for leave, and that both servers keep as it is.
    """
    text = f"Message-ID: <{number}@late>\r\nSubject: {number}\r\n\r\nhello\r\n"
    date = datetime(2024, 2, 29, 12, number, tzinfo=timezone.utc)
    return Mail(text.encode(), ["\\Seen"] if number % 2 else [], date)
