"""
Answers that are not all, or not true: a relay changes what real servers say.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from twisted.internet import reactor
from twisted.logger import capturedLogs, formatEvent

from imapsync.test.integration.accounts import Mail, expanded
from imapsync.test.integration.cyrus import dottedCyrus
from imapsync.test.integration.dovecot import maildirServer, mdboxServer
from imapsync.test.integration.inprocess import syncHere
from imapsync.test.integration.relay import Relay
from imapsync.test.integration.scene import Run, Scene, SceneCase
from imapsync.uidset import UidSet

_ROW = re.compile(rb"\* \d+ FETCH \(.*?UID (\d+).*\)\r\n")
_FOUND = re.compile(rb"(\* ESEARCH \(TAG \"\w+\"\) UID ALL )([\d:,]+)\r\n")
_TAGGED = re.compile(rb"([0-9A-F]{4,} )OK (\[.*?\] )?(.*\r\n)")
_APPENDED = re.compile(rb"[0-9A-F]{4,} OK \[(APPENDUID|COPYUID) ")

#: So many messages a server does at a time.
_MOST = 4


class Limited:
    """
    Edits what a server says, as if it did so many messages at a time (RFC 9738):
    those with the highest UIDs.

    @param told: whether it says so.
    """

    def __init__(self, told: bool = True) -> None:
        self._told = told
        self._rows: dict[int, bytes] = {}
        self._lowest = 0

    def __call__(self, line: bytes) -> bytes:
        """
        What becomes of a line.
        """
        if row := _ROW.fullmatch(line):
            self._rows[int(row[1])] = line
            return b""
        if found := _FOUND.fullmatch(line):
            uids = self._newest(expanded(found[2]))
            return found[1] + str(UidSet.of(uids)).encode() + b"\r\n"
        tagged = _TAGGED.fullmatch(line)
        return line if tagged is None else self._ended(line, tagged)

    def _newest(self, uids: object) -> list[int]:
        every = sorted(uids)  # type: ignore[call-overload]
        some: list[int] = every[-_MOST:]
        if len(some) < len(every):
            self._lowest = some[0]
        return some

    def _ended(self, line: bytes, tagged: re.Match[bytes]) -> bytes:
        rows = b"".join([self._rows[uid] for uid in self._newest(self._rows)])
        lowest, self._lowest = self._lowest, 0
        self._rows.clear()
        if not (lowest and self._told):
            return rows + line
        code = b"[MESSAGELIMIT %d %d] " % (_MOST, lowest)
        tag, other, text = tagged.groups()
        if other:
            return rows + b"* NO " + code + b"not all\r\n" + line
        return rows + tag + b"OK " + code + text


class Grudge:
    """
    Edits what a server says, so that it says NO to each APPEND, COPY and MOVE that it
    has done.
    """

    def __init__(self) -> None:
        self._moved = False

    def __call__(self, line: bytes) -> bytes:
        """
        What becomes of a line.
        """
        if line.startswith(b"* OK [COPYUID "):
            self._moved = True
            return b""
        tagged = _TAGGED.fullmatch(line)
        if tagged is None or not (self._moved or _APPENDED.match(line)):
            return line
        self._moved = False
        return tagged[1] + b"NO [SERVERBUG] sorry\r\n"


@asynccontextmanager
async def edited(scene: Scene, edit: Callable[[bytes], bytes]) -> AsyncIterator[None]:
    """
    Have what the remote server says edited meanwhile.
    """
    relay = Relay(reactor, scene.remoteServer)
    relay.edit = edit
    scene.configure({"remote": {"port": str(relay.port)}})
    try:
        yield
    finally:
        scene.configure({})
        await relay.close()


class EditedCase(SceneCase):
    """
    An account with thirty messages.
    """

    def mails(self, number: int = 30) -> list[Mail]:
        """
        Some messages.
        """
        text = b"Message-ID: <%d@example>\r\nSubject: %d\r\n\r\nText\r\n"
        return [Mail(text % (n, n)) for n in range(number)]

    async def run_(self, scene: Scene, number: int, code: int = 0) -> Run:
        """
        Run once, in this process: both sides have so many messages then.
        """
        run = await syncHere(scene, reactor)
        self.assertEqual(code, run.code, run.tail)
        if not code:
            self.assertEqual([], scene.differences(), run.tail)
        self.assertEqual(number, len(scene.local.uids("INBOX")), run.tail)
        return run


class PartialTests(EditedCase):
    """
    A server that does only so much at a time.
    """

    async def test_told(self) -> None:
        """
        It says so: everything is carried over, nothing is doubled or removed.
        """
        self.needs("X-GUID")
        for server in (maildirServer(), dottedCyrus()):
            scene = self.scene(mdboxServer(), server)
            scene.remote.fill("INBOX", self.mails())
            async with edited(scene, Limited()):
                run = await self.run_(scene, 30)
                self.assertIn("[MESSAGELIMIT 4 ", run.errors)
                scene.database.unlink()
                run = await self.run_(scene, 30)
                self.assertEqual([], scene.differences(), run.tail)
                scene.remote.store("INBOX", range(3, 20), "+FLAGS (\\Flagged)")
                scene.local.store("INBOX", range(5, 29), "+FLAGS (\\Seen)")
                scene.remote.expunge("INBOX", range(6, 14))
                scene.local.expunge("INBOX", [1, *range(20, 28)])
                left = len({*scene.local.uids("INBOX")})
                run = await self.run_(scene, 30 - 8 - (30 - left))
                self.assertEqual([], scene.differences(), run.tail)
            self.syncs(scene)

    async def test_untold(self) -> None:
        """
        It does not: nothing is removed for that, and it is told.
        """
        self.needs("ESEARCH")
        scene = self.scene(mdboxServer(), maildirServer())
        scene.remote.fill("INBOX", self.mails())
        for sign in "+-+-+-":
            scene.remote.store("INBOX", [1], f"{sign}FLAGS (\\Flagged)")
        self.syncs(scene)
        scene.remote.close()
        home = scene.remoteServer.directory / "mail" / scene.user / "mail"
        for index in home.glob("dovecot.index*"):
            index.unlink()  # all is asked for
        scene.reconnect()
        async with edited(scene, Limited(told=False)):
            with capturedLogs() as events:
                await self.run_(scene, 30, 1)
        told = "\n".join(str(formatEvent(event)) for event in events)
        self.says(told, "INBOX: remote: it shows 4 of its 30 messages")
        self.syncs(scene)
        self.assertEqual(30, len(scene.local.uids("INBOX")))


class RefusedTests(EditedCase):
    """
    A server that says NO to what it has done.
    """

    async def test_once(self) -> None:
        """
        Each message is there once, after each run.
        """
        self.needs("UIDPLUS")
        for server in (maildirServer(), dottedCyrus()):
            scene = self.scene(mdboxServer(), server)
            scene.local.create("Work")
            scene.local.fill("INBOX", self.mails())
            async with edited(scene, Grudge()):
                run = await self.run_(scene, 30)
                self.assertIn("[SERVERBUG] sorry", run.errors)
                run = await self.run_(scene, 30)
                self.assertNotIn("APPEND", run.commands)
                scene.local.move("INBOX", range(1, 6), "Work")
                scene.local.copy("INBOX", range(10, 12), "Work")
                await self.run_(scene, 25)
            self.syncs(scene)
