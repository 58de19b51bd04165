"""
Tests for L{imapsync.mailbox.copying}: from one server in memory to another.
"""

from __future__ import annotations

import errno
import gc
import os
import tempfile
from collections.abc import Sequence
from io import BytesIO
from typing import Any

from twisted.internet.defer import CancelledError
from twisted.internet.error import ConnectionLost
from twisted.trial.unittest import SynchronousTestCase

from imapsync.content.digest import KeyDigest
from imapsync.errors import Lost, StateError
from imapsync.imap.client import SyncClient
from imapsync.imap.commands.append import headOf
from imapsync.imap.commands.mailbox import Selected
from imapsync.imap.wire.responses import Row
from imapsync.mailbox import batch, copying
from imapsync.mailbox.copying import Copier
from imapsync.mailbox.outcome import Copied
from imapsync.model import Side
from imapsync.test.fakes.talking import Listener
from imapsync.test.fakes.world import World
from imapsync.testing.accounts import BODY_FIRST, DATE, NOTHING, SEEN, mail
from imapsync.uidset import UidSet

ALL = UidSet(((1, 9999),))
BIG = 300_000


class Record:
    """
    Remembers what became of messages: L{copying.Outcome}.
    """

    def __init__(self) -> None:
        self.begun = UidSet()
        self.copies: list[Copied] = []
        self.refusals: dict[int, str] = {}
        self.undateds: list[int] = []
        self.breaks: list[int] = []
        self.misreads: list[int] = []
        self.shorts: list[tuple[int, int, int]] = []
        self.doubteds: list[int] = []
        self.partings: list[int] = []
        self.doubts = 0

    def begins(self, uids: UidSet) -> None:
        """
        They are sent next.
        """
        self.begun |= uids

    def copied(self, messages: list[Copied]) -> None:
        """
        They arrived.
        """
        self.copies += messages

    def refused(self, uid: int, reason: str, code: str = "") -> None:
        """
        One did not.
        """
        self.refusals[uid] = reason

    def isFull(self, refusals: int) -> bool:
        """
        There is always room for others.
        """
        return False

    def full(self, uid: int, reason: str, code: str = "") -> None:
        """
        There was no room for one.
        """
        self.refusals[uid] = reason

    def undated(self, uid: int) -> None:
        """
        One did, without its date.
        """
        self.undateds.append(uid)

    def misread(self, uids: list[int], reason: str) -> None:
        """
        One of these may have been taken for commands.
        """
        self.misreads += uids

    def missized(self, uid: int, octets: int, size: int) -> None:
        """
        One has less than it should have.
        """
        self.shorts.append((uid, octets, size))

    def doubted(self, uids: list[int]) -> None:
        """
        One of these was refused.
        """
        self.doubteds += uids

    def broken(self, uids: list[int]) -> None:
        """
        A connection was lost over one of these.
        """
        self.breaks += uids

    async def strangers(self, doubted: Sequence[Copied]) -> dict[int, bytes]:
        """
        Nothing else does.
        """
        return {}

    def parted(self, uids: list[int]) -> None:
        """
        These were sent over a connection that was lost.
        """
        self.partings += uids

    async def found(
        self, untold: Sequence[Copied], guess: bool = False
    ) -> Sequence[Copied]:
        """
        Nobody looks.
        """
        return []

    def unproven(self, uids: list[int]) -> None:
        """
        Some did, but nobody knows which is which.
        """
        self.doubts += len(uids)


class CopyingCase(SynchronousTestCase):
    """
    A source and a target, with a mailbox selected on each.
    """

    def setUp(self) -> None:
        """
        Make them.
        """
        self.world = World("")
        self.source, self.target = self.world.local, self.world.remote
        self.record = Record()

    def tearDown(self) -> None:
        """
        Close all connections.
        """
        for link in self.world.links:
            link.end(ConnectionLost())

    def select(self, side: Side, timeout: float = 300) -> tuple[SyncClient, Selected]:
        """
        A client and its selected INBOX.
        """
        client = self.world.connect(side, timeout=timeout)
        opened = client.open("INBOX", None, Listener(), writable=True)
        return client, self.world.run(opened)

    def prepare(self, timeout: float = 300, **more: Any) -> Copier:
        """
        Connect both sides.
        """
        source, _ = self.select(Side.LOCAL)
        self.client, into = self.select(Side.REMOTE, timeout)
        self.sourceLink, self.targetLink = self.world.links[-2:]
        return Copier(source, self.client, into, self.record, **more)

    def copy(self, uids: UidSet = ALL) -> None:
        """
        Copy from local to remote.
        """
        self.world.run(self.prepare().copy(uids))

    def assertCopied(self) -> None:
        """
        Both sides are equal, and each message was reported once, rightly.
        """
        self.assertEqual(self.source.inbox.content, self.target.inbox.content)
        copies = self.record.copies
        self.assertEqual(
            sorted(self.source.inbox.messages), sorted(one.source for one in copies)
        )
        for one in copies:
            theirs = self.target.inbox.messages[one.target]
            self.assertEqual(self.source.inbox.messages[one.source].body, theirs.body)
            self.assertEqual(one.given, theirs.flags)
            self.assertEqual(one.key, keyOf(theirs.body))

    def assertIdle(self) -> None:
        """
        Both transports are as they were before.
        """
        self.assertIsNone(self.targetLink.producer)
        self.assertEqual("producing", self.sourceLink.producerState)


def keyOf(body: bytes) -> bytes:
    """
    The content key of a message.
    """
    digest = KeyDigest()
    digest.write(body)
    return digest.key(len(body))


class StreamTests(CopyingCase):
    """
    Messages that nobody objects to.
    """

    def test_many(self) -> None:
        """
        Bodies, flags, keywords and dates arrive, and each copy is reported
        with its UID, flags and content key.
        """
        self.source.inbox.add(mail(1), frozenset(["\\Seen", "\\Draft", "$Junk"]))
        self.source.inbox.add(mail(2), NOTHING, " 9-Aug-1999 23:59:59 -0330")
        self.target.inbox.uidnext = 70
        self.copy()
        self.assertCopied()
        self.assertEqual([70, 71], [one.target for one in self.record.copies])
        self.assertIdle()

    def test_sent(self) -> None:
        """
        It tells when all is sent, before that is answered; but not if there is more to
        be done, as with a flag that the target does not take, an odd date, or a message
        that does not come.
        """
        told: list[int] = []

        def sent() -> bool:
            told.append(len(self.record.copies))
            return False

        self.source.inbox.add(mail(1), SEEN)
        self.source.inbox.add(mail(3), SEEN, "01-Jan-1960 00:00:00 +0000")
        self.world.run(self.prepare(sent=sent).copy(UidSet.of([1])))
        self.assertEqual([0], told)
        for uids in [2], [1, 3]:
            self.world.run(self.prepare(sent=sent).copy(UidSet.of(uids)))
        self.target.inbox.permanent = ""
        self.world.run(self.prepare(sent=sent).copy(UidSet.of([1])))
        self.assertEqual((1, 4), (len(told), len(self.record.copies)))

    def test_left(self) -> None:
        """
        Where the connections are not ours any more, what is refused then is left, and
        nothing more is said to the server.
        """
        self.source.inbox.add(mail(1), SEEN)
        self.source.inbox.add(mail(2), SEEN)
        for refused in False, True:
            if refused:
                self.target.answers["APPEND"] = "NO not now"
            copier = self.prepare(sent=lambda: True)
            self.world.run(copier.copy(UidSet.of([1, 2])))
            self.assertEqual(refused, copier.left)
        self.assertEqual((2, {}), (len(self.record.copies), self.record.refusals))
        self.assertEqual(0, self.target.count("NOOP", "SEARCH"))

    def test_leftInPart(self) -> None:
        """
        So is what a server leaves of an APPEND that it takes in part (RFC 9738).
        """
        self.source.inbox.add(mail(1), SEEN)
        self.source.inbox.add(mail(2), SEEN)
        self.target.mostSaved, self.target.partly = 1, True
        copier = self.prepare(sent=lambda: True)
        self.world.run(copier.copy(UidSet.of([1, 2])))
        self.assertEqual(1, len(self.target.inbox.messages))
        self.assertTrue(copier.left)

    def test_any(self) -> None:
        """
        Messages with NUL, 8-bit octets, no header, what looks like a
        response, or of any size, come through unchanged.
        """
        for body in (
            b"\0\r\n",
            bytes(range(256)),
            b"x",
            b"a\nb",
            b")\r\n* 9 EXISTS\r\n",
        ):
            self.source.inbox.add(body)
        self.source.inbox.add(mail("big", BIG))
        self.copy()
        self.assertCopied()

    def test_anyPieces(self) -> None:
        """
        However the stream is cut into pieces, the same arrives.
        """
        self.world.fill(mail(1), b")\r\n", mail(2))
        for size in (1, 2, 7):
            self.target.inbox.messages.clear()
            self.record.copies.clear()
            self.world.links.clear()
            self.source.chunk = self.target.window = size
            self.copy()
            self.assertCopied()

    def test_anyAmongMany(self) -> None:
        """
        Among many that come together, some may have what is not known yet whether the
        target takes it: a keyword, a date.  However few go at a time, all arrive.
        """
        flags = [NOTHING, SEEN, frozenset(["$New"]), NOTHING, SEEN, frozenset(["$B"])]
        dates = [DATE, "01-Jan-1960 00:00:00 +0000", DATE, DATE]
        for number in range(24):
            self.source.inbox.add(
                mail(number), flags[number % len(flags)], dates[number % len(dates)]
            )
        for most in 1, 5, 1000:
            self.target.inbox.messages.clear()
            self.record.copies.clear()
            self.world.run(self.prepare(most=most).copy(ALL))
            self.assertCopied()
            self.assertIdle()

    def test_together(self) -> None:
        """
        Those that are ordinary are sent in as few APPENDs as can be.
        """
        self.world.fill(*map(mail, range(10)))
        copier = self.prepare(most=4)
        self.client.accepted(headOf(NOTHING, DATE).words)
        self.world.run(copier.copy(ALL))
        self.assertCopied()
        self.assertEqual(3, self.target.count("APPEND"))

    def test_toldTwice(self) -> None:
        """
        A message that comes once more is not copied again, be it at once or later.
        """
        copier = self.prepare()
        self.client.accepted(headOf(NOTHING, DATE).words)
        one, two = (Row(uid, NOTHING, 0, 3, DATE) for uid in (1, 2))
        copier.queue.extend(ALL)
        for messages in [one, one], [two, one], [two, two]:
            copier.messagesReceived([(row, b"abc") for row in messages])
        self.world.run(copier._answered())
        self.assertEqual([1, 2], [copy.source for copy in self.record.copies])

    def test_empty(self) -> None:
        """
        A message without an octet is copied as well.
        """
        self.world.fill(b"", mail(1))
        self.copy()
        self.assertCopied()

    def test_onlyThese(self) -> None:
        """
        What is not asked for is not copied; what is gone is passed over.
        """
        self.world.fill(mail(1), mail(2), mail(3))
        self.copy(UidSet.of([2, 9]))
        self.assertEqual([2], [one.source for one in self.record.copies])
        self.assertEqual({}, self.record.refusals)

    def test_goneMeanwhile(self) -> None:
        """
        A message that is expunged just before it is fetched is no trouble.
        """
        self.world.fill(mail(1), mail(2))
        self.source.before["FETCH"] = lambda: self.source.inbox.expunge(1)
        self.copy()
        self.assertEqual([2], [one.source for one in self.record.copies])
        self.assertEqual({}, self.record.refusals)

    def test_literalsWithLeave(self) -> None:
        """
        Without LITERAL+ the server's leave is awaited before each message.
        """
        self.target.capabilities.remove("LITERAL+")
        self.world.fill(mail(1), mail("big", BIG), mail(3), b"")
        self.copy()
        self.assertCopied()
        self.assertIdle()

    def test_smallLiterals(self) -> None:
        """
        With LITERAL- small messages do not wait, and great ones do; their
        order stays.
        """
        self.target.capabilities.remove("LITERAL+")
        self.target.capabilities.add("LITERAL-")
        self.world.fill(mail(1), mail("big", BIG), mail(3), mail("bigger", BIG))
        self.copy()
        self.assertCopied()
        self.assertEqual([1, 2, 3, 4], [one.target for one in self.record.copies])

    def test_attributesLast(self) -> None:
        """
        A server that sends a message before its flags and date is understood.
        """
        self.source.order = BODY_FIRST
        self.source.inbox.add(mail(1), SEEN)
        self.source.inbox.add(mail("big", 3 * BIG), frozenset(["\\Draft"]))
        self.copy()
        self.assertCopied()

    def test_sentTwice(self) -> None:
        """
        A server that sends a message twice does not double it.
        """
        self.world.fill(mail(1))
        copier = self.prepare()
        said = (
            b'* 1 FETCH (FLAGS () UID 1 INTERNALDATE "%s" RFC822.SIZE 3'
            b" BODY[] {3}\r\nabc)\r\n"
        )
        self.source.before["FETCH"] = lambda: self.sourceLink.dialogue.output.extend(
            said % DATE.encode() * 2
        )
        self.world.run(copier.copy(ALL))
        self.assertEqual(1, len(self.target.inbox.messages))


class FlowTests(CopyingCase):
    """
    Back-pressure.
    """

    def test_slowTarget(self) -> None:
        """
        No more than a little waits to be sent to a slow target.
        """
        self.target.window = 5000
        self.world.fill(*(mail(i, BIG) for i in range(10)))
        self.copy()
        self.assertCopied()
        self.assertLess(self.targetLink.peak, 300_000)
        self.assertIdle()

    def test_slowTargetWithLeave(self) -> None:
        """
        Nor when messages are spooled before.
        """
        self.target.capabilities.remove("LITERAL+")
        self.target.window = 5000
        self.world.fill(mail(1, 4 * BIG), mail(2, 4 * BIG), mail(3))
        self.copy()
        self.assertCopied()
        self.assertLess(self.targetLink.peak, 300_000)
        self.assertIdle()

    def test_slowTargetAttributesLast(self) -> None:
        """
        Nor when attributes come last.
        """
        self.source.order = BODY_FIRST
        self.target.window = 5000
        self.world.fill(mail(1, 4 * BIG), mail(2), mail(3, 4 * BIG))
        self.copy()
        self.assertCopied()
        self.assertLess(self.targetLink.peak, 300_000)

    def test_unacknowledged(self) -> None:
        """
        A target that takes much, but acknowledges nothing, gets no more until
        it does; and the source is not thought to be late meanwhile.
        """
        size = batch.OCTETS // 4
        number = 2 * copying.UNACKNOWLEDGED // size
        self.world.fill(*(mail(i, size) for i in range(number)))
        copier = self.prepare(timeout=3000)
        self.client.accepted(headOf(NOTHING, DATE).words)
        self.targetLink.pauseProducing()
        sent = self.targetLink.dialogue
        done = self.world.start(copier.copy(ALL))
        self.world.pump()
        self.assertNoResult(done)
        taken = len(self.target.inbox.messages) * size
        self.assertGreaterEqual(taken, copying.UNACKNOWLEDGED)
        self.assertLess(taken, copying.UNACKNOWLEDGED + 2 * batch.OCTETS)
        self.world.clock.advance(1000)
        self.assertTrue(sent.output)
        self.targetLink.resumeProducing()
        self.world.run(done)
        self.assertCopied()
        self.assertIdle()

    def test_manyUnacknowledged(self) -> None:
        """
        Tiny messages are fewer octets than what is to be remembered of them.
        """
        self.patch(copying, "UNACKNOWLEDGED", 1024 * 1024)
        self.world.fill(*map(mail, range(3000)))
        copier = self.prepare(most=100)
        self.client.accepted(headOf(NOTHING, DATE).words)
        self.targetLink.pauseProducing()
        done = self.world.start(copier.copy(ALL))
        self.world.pump()
        self.assertNoResult(done)
        self.assertIn(len(self.target.inbox.messages), range(400, 1100))
        self.targetLink.resumeProducing()
        self.world.run(done)
        self.assertCopied()


class Unreadable(BytesIO):
    """
    A file on a disk that fails after a while.
    """

    def __init__(self, most: int) -> None:
        super().__init__()

    def read(self, size: int | None = -1, /) -> bytes:
        """
        Only the beginning can be read.
        """
        if self.tell():
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return super().read(size)


class LossTests(CopyingCase):
    """
    Connections that go.
    """

    lost = 0

    def tearDown(self) -> None:
        """
        Have errors that nobody took told now.
        """
        super().tearDown()
        gc.collect()

    def bodies(self) -> set[bytes]:
        """
        What the target holds.
        """
        return {message.body for message in self.target.inbox.messages.values()}

    def tryToCopy(self) -> None:
        """
        Copy, and lose a connection.
        """
        try:
            self.world.run(self.prepare().copy(ALL))
        except Lost:
            self.lost += 1

    def test_source(self) -> None:
        """
        Wherever the source goes: no part of a message is ever taken for the
        whole, and what was acknowledged is reported.
        """
        whole = {mail(1), mail(2, 100), mail(3)}
        for leave in ("LITERAL+", "LITERAL-"):
            self.target.capabilities -= {"LITERAL+"}
            self.target.capabilities.add(leave)
            for octets in range(650, 1250, 3):
                self.setUpAgain(*sorted(whole))
                self.source.downLeft = octets
                self.tryToCopy()
                self.assertLessEqual(self.bodies(), whole)
                told = {one.target for one in self.record.copies}
                self.assertEqual(told, set(self.target.inbox.messages))
        self.assertGreater(self.lost, 100)

    def setUpAgain(self, *bodies: bytes) -> None:
        """
        Begin anew.
        """
        self.record = Record()
        self.world.links.clear()
        self.source.inbox.messages.clear()
        self.target.inbox.messages.clear()
        self.source.downLeft = self.target.upLeft = None
        self.world.fill(*bodies)

    def test_target(self) -> None:
        """
        Wherever the target goes, all ends, and only what it acknowledged is
        reported.
        """
        for capability in ("LITERAL+", "LITERAL-", "none"):
            self.target.capabilities -= {"LITERAL+", "LITERAL-"}
            self.target.capabilities.add(capability)
            for octets in range(40, 700, 7):
                self.setUpAgain(mail(1), mail(2, 100), mail(3), mail(4))
                self.target.upLeft = octets
                self.tryToCopy()
                self.assertLessEqual(
                    {one.target for one in self.record.copies},
                    set(self.target.inbox.messages),
                )
        self.assertGreater(self.lost, 100)

    def test_targetWhileSpooled(self) -> None:
        """
        A target that goes when several messages wait for its leave ends it,
        too.
        """
        self.target.capabilities.remove("LITERAL+")
        self.world.fill(*map(mail, range(5)))
        copier = self.prepare()
        self.targetLink.pauseProducing()
        done = self.world.start(copier.copy(ALL))
        self.world.pump()
        self.assertNoResult(done)
        self.targetLink.end(ConnectionLost())
        with self.assertRaises(Lost):
            self.world.run(done)
        self.assertEqual([], self.record.copies)

    def test_targetWhileFull(self) -> None:
        """
        So does one that goes while it takes nothing more.
        """
        self.target.capabilities.remove("LITERAL+")
        self.target.window = 1000
        self.world.fill(mail(1, BIG), mail(2))
        copier = self.prepare()
        done = self.world.start(copier.copy(ALL))
        while not self.targetLink.peak > 1 << 16:
            self.world.step()
        self.targetLink.end(ConnectionLost())
        with self.assertRaises(Lost):
            self.world.run(done)

    def test_targetBeforeAll(self) -> None:
        """
        So does one that goes while the source still has more to send.
        """
        self.target.capabilities.remove("LITERAL+")
        self.source.chunk = 200
        self.world.fill(*map(mail, range(9)))
        copier = self.prepare()
        self.targetLink.pauseProducing()
        done = self.world.start(copier.copy(ALL))
        self.world.pump()
        self.assertTrue(self.sourceLink.dialogue.output)
        self.targetLink.end(ConnectionLost())
        with self.assertRaises(Lost):
            self.world.run(done)
        self.assertEqual([1], self.record.breaks)

    def test_disk(self) -> None:
        """
        A message that cannot be read again from where it was spooled is never
        completed with anything else.
        """
        self.patch(tempfile, "SpooledTemporaryFile", Unreadable)
        self.target.capabilities.remove("LITERAL+")
        self.world.fill(mail(1), mail("big", BIG), *map(mail, range(5)))
        self.source.chunk = 1000
        error = self.assertRaises(StateError, self.copy)
        self.assertIn("Input/output error", str(error))
        self.world.pump()
        self.assertLessEqual(self.bodies(), {mail(1)})
        self.assertFalse(self.targetLink.open)

    def test_cancelled(self) -> None:
        """
        It can be given up at any time, with the connections.
        """
        self.target.capabilities.remove("LITERAL+")
        self.world.fill(*map(mail, range(5)))
        copier = self.prepare()
        self.targetLink.pauseProducing()
        done = self.world.start(copier.copy(ALL))
        self.world.pump()
        done.cancel()
        for link in self.world.links:
            link.end(ConnectionLost())
        self.failureResultOf(done, CancelledError)
        self.assertIsNone(self.targetLink.producer)
