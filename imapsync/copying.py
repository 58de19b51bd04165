"""
Copying messages: a FETCH on one side flows straight into APPENDs on the other.

No message is held.  When the target's transport is full, or too much is
unacknowledged, the source's transport is paused, so that memory stays flat
whatever the sizes are.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections import deque
from dataclasses import dataclass, field
from typing import IO, Protocol, cast

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IConsumer, IPushProducer
from twisted.python.failure import Failure
from zope.interface import implementer

from imapsync.content import KeyDigest
from imapsync.errors import (
    ImapSyncError,
    Lost,
    MailboxError,
    ProtocolViolation,
    Refused,
)
from imapsync.imap.appending import Appended, Appending
from imapsync.imap.client import SyncClient
from imapsync.imap.commands import Selected
from imapsync.imap.responses import Row
from imapsync.model import Flags
from imapsync.plan import common, without
from imapsync.uidset import UidSet, UidSetBuilder

ITEMS = "(FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])"

#: One APPEND takes so many messages, and so many octets, at the most: a
#: server commits once for all of them.
BATCH_MESSAGES = 500
BATCH_OCTETS = 4 * 1024 * 1024
#: So many octets may be sent and not yet acknowledged.
UNACKNOWLEDGED = 8 * 1024 * 1024
#: After so many refusals in a row, a server will take nothing.
REFUSALS = 50

_SYSTEM = frozenset(("\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft"))
_SPOOL_MEMORY = 1024 * 1024
_SPOOL_PIECE = 64 * 1024


@dataclass(frozen=True)
class Copied:
    """
    A message that is now on both sides.

    @ivar flags: those that the copy got.
    """

    source: int
    target: int
    flags: Flags
    key: bytes


class Outcome(Protocol):
    """
    What becomes of the messages.
    """

    def copied(self, messages: list[Copied]) -> None:
        """
        The server acknowledged them.
        """

    def unproven(self, count: int) -> None:
        """
        So many were copied, but the server did not tell which copy is whose
        (RFC 4315, 3).

        @raise MailboxError: to copy no more.
        """

    def refused(self, uid: int, reason: str) -> None:
        """
        One could not be copied.
        """

    def reduced(self, uid: int, lacks: str) -> None:
        """
        One was copied, but for something that the server did not take.
        """


@dataclass
class _Message:
    """
    One that is passing through.

    @ivar spool: where it waits, if it cannot go on at once.
    """

    digest: KeyDigest
    octets: int
    row: Row
    flags: Flags = frozenset()
    spool: IO[bytes] | None = None


@dataclass
class _Batch:
    """
    The messages of one APPEND.
    """

    appending: Appending
    manner: int
    most: int
    messages: list[_Message] = field(default_factory=list)
    octets: int = 0

    @property
    def full(self) -> bool:
        return (
            len(self.messages) >= self.most
            or self.octets >= BATCH_OCTETS
            or self.appending.refusal is not None
        )


@dataclass(frozen=True)
class _Manner:
    """
    How a message is handed over: what a server may object to is left out,
    one thing after the other.
    """

    keywords: bool
    date: bool
    lacks: str


_MANNERS = (
    _Manner(True, True, ""),
    _Manner(False, True, "its keywords"),
    _Manner(False, False, "its keywords and date"),
)


@implementer(IPushProducer)
class Copier:
    """
    Copies messages from the mailbox that C{source} has selected.

    @param into: the mailbox on the target's side, which is selected there.
    """

    def __init__(
        self, source: SyncClient, target: SyncClient, into: Selected, outcome: Outcome
    ) -> None:
        self._source = source
        self._target = target
        self._into = into
        self._outcome = outcome
        self._pending: list[tuple[UidSet, int]] = []
        self._manner = 0
        self._batch: _Batch | None = None
        self._message: _Message | None = None
        self._spooled: deque[_Message] = deque()
        self._arrived = UidSetBuilder()
        self._unacknowledged = 0
        self._outstanding: set[Deferred[None]] = set()
        self._holds: set[str] = set()
        self._room: Deferred[None] | None = None
        self._failure: Failure | None = None
        self._refusals = 0

    async def copy(self, uids: UidSet) -> None:
        """
        Copy what still exists of C{uids}, and report on each message.

        @raise Lost: a connection went; what was acknowledged is reported.
        @raise MailboxError: the target takes nothing.
        """
        self._pending = [(uids, 0)]
        outlet = cast(IConsumer, self._target.transport)
        outlet.registerProducer(self, True)
        try:
            while self._pending:
                some, self._manner = self._pending.pop()
                await self._stream(some)
        finally:
            outlet.unregisterProducer()
            for reason in list(self._holds):
                self._release(reason)

    async def _stream(self, uids: UidSet) -> None:
        self._arrived = UidSetBuilder()
        refusal = None
        try:
            await self._source.fetchBodies(uids, ITEMS, self)
        except Refused as error:
            refusal = error
        except ImapSyncError:
            await self._abandon()
            raise
        await self._settled()
        await self._missed(uids - self._arrived.build(), refusal)

    async def _settled(self) -> None:
        """
        Wait until all that was sent is acknowledged or refused.
        """
        while self._outstanding or self._batch is not None:
            if not self._spooled:
                self._closeBatch()
            await DeferredList(list(self._outstanding))
        if self._failure is not None:
            self._failure.raiseException()

    async def _abandon(self) -> None:
        """
        The source is gone.  A message of which a part was sent must never be
        completed; what is complete may be.
        """
        if self._message is not None and self._message.spool is None:
            self._target.abort(Lost(f"{self._source.name}: went away in a message"))
        self._message = None
        with contextlib.suppress(ImapSyncError):  # the source's end is what is told
            await self._settled()

    async def _missed(self, uids: UidSet, refusal: Refused | None) -> None:
        """
        Some did not come: expunged meanwhile, or the server cannot read them.
        """
        if not uids:
            return
        there = await self._source.exists(uids)
        if refusal is not None and len(there) > 1:
            self._halve(list(there), 0)
            return
        for uid in there:
            self._outcome.refused(uid, str(refusal or "the server did not send it"))

    def _halve(self, uids: list[int], manner: int) -> None:
        middle = len(uids) // 2
        for half in (uids[middle:], uids[:middle]):
            self._pending.append((UidSet.of(half), manner))

    # From the source: L{imapsync.imap.commands.BodyReceiver}

    def bodyBegan(self, row: Row, size: int) -> None:
        """
        A message follows.
        """
        if self._failure is not None:
            return
        message = _Message(KeyDigest(size if row.size is None else row.size), size, row)
        self._message = message
        whole = row.uid and row.flags is not None and row.date
        _, waits = self._target.literalMarker(size)
        if whole and not waits and not self._spooled:
            self._begin(message)
        else:
            # APPEND wants the attributes, or the server's leave, first.
            message.spool = tempfile.SpooledTemporaryFile(_SPOOL_MEMORY)  # noqa: SIM115

    def bodyReceived(self, piece: bytes) -> None:
        """
        Octets of it.
        """
        message = self._message
        if message is None:
            return
        message.digest.write(piece)
        if message.spool is not None:
            message.spool.write(piece)
        elif self._batch is not None:
            self._batch.appending.write(piece)

    def bodyEnded(self, row: Row) -> None:
        """
        It is complete.
        """
        message, self._message = self._message, None
        if message is None:
            return
        if not row.uid or row.flags is None:
            raise ProtocolViolation("a message came without UID or FLAGS")
        message.row = row
        self._arrived.add(row.uid)
        if message.spool is None:
            self._end(message)
            return
        self._spooled.append(message)
        if len(self._spooled) == 1:
            self._hold("spool")
            self._await(Deferred.fromCoroutine(self._drain()))

    async def _drain(self) -> None:
        """
        Hand over what waits in spools.
        """
        try:
            while self._spooled:
                await self._unspool(self._spooled[0])
                self._spooled.popleft()
        finally:
            self._spooled.clear()
            self._release("spool")

    async def _unspool(self, message: _Message) -> None:
        spool = message.spool
        if spool is None:
            return
        with spool:
            spool.seek(0)
            leave = self._begin(message)
            if leave is not None:
                try:
                    await leave
                except Refused:
                    self._end(message)
                    self._closeBatch()
                    return
            while piece := spool.read(_SPOOL_PIECE):
                if self._batch is not None:
                    self._batch.appending.write(piece)
                if "full" in self._holds:
                    self._room = Deferred()
                    await self._room
        self._end(message)

    # To the target

    def _begin(self, message: _Message) -> Deferred[None] | None:
        """
        Announce a message to the target.
        """
        batch = self._batch or self._openBatch()
        manner = _MANNERS[batch.manner]
        flags = message.row.flags or frozenset()
        flags = frozenset(flag for flag in flags if self._into.keeps(flag))
        if not manner.keywords:
            flags = common(flags, _SYSTEM)
        message.flags = flags
        date = message.row.date if manner.date else ""
        return batch.appending.message(flags, date, message.octets)

    def _end(self, message: _Message) -> None:
        """
        A message was written in full.
        """
        batch = self._batch
        if batch is None:
            return
        batch.messages.append(message)
        batch.octets += message.octets
        self._unacknowledged += message.octets
        if batch.full:
            self._closeBatch()
        if self._unacknowledged > UNACKNOWLEDGED:
            self._hold("unacknowledged")

    def _openBatch(self) -> _Batch:
        appending = self._target.beginAppend(self._into.name)
        several = "MULTIAPPEND" in self._target.capabilities
        batch = _Batch(appending, self._manner, BATCH_MESSAGES if several else 1)
        self._batch = batch
        return batch

    def _closeBatch(self) -> None:
        """
        Have the target commit what it was sent.
        """
        batch, self._batch = self._batch, None
        if batch is None:
            return
        done = batch.appending.finish()
        self._await(
            done.addCallbacks(
                self._acknowledged,
                self._refused,
                callbackArgs=(batch,),
                errbackArgs=(batch,),
            )
        )

    def _await(self, done: Deferred[None]) -> None:
        self._outstanding.add(done)
        done.addErrback(self._failed)
        done.addBoth(lambda _: self._outstanding.discard(done))

    def _failed(self, failure: Failure) -> None:
        self._failure = self._failure or failure
        error = failure.value
        if isinstance(error, ImapSyncError) and not isinstance(error, MailboxError):
            # Nothing more can be copied: the stream need not run out.
            self._source.abort(error)

    def _acknowledged(self, appended: Appended, batch: _Batch) -> None:
        self._forgetOctets(batch)
        self._refusals = 0
        if appended.uidvalidity != self._into.mark.uidvalidity or len(
            appended.uids
        ) != len(batch.messages):
            self._outcome.unproven(len(batch.messages))
            return
        self._outcome.copied(
            [
                Copied(message.row.uid, uid, message.flags, message.digest.key())
                for message, uid in zip(batch.messages, appended.uids, strict=True)
            ]
        )
        lacks = _MANNERS[batch.manner].lacks
        for message in batch.messages:
            if lacks or without(message.row.flags or frozenset(), message.flags):
                self._outcome.reduced(message.row.uid, lacks or "some of its flags")

    def _refused(self, failure: Failure, batch: _Batch) -> None:
        self._forgetOctets(batch)
        failure.trap(Refused)
        reason = str(failure.value)
        uids = [message.row.uid for message in batch.messages]
        if len(uids) > 1:
            self._halve(uids, batch.manner)
        elif batch.manner + 1 < len(_MANNERS):
            self._pending.append((UidSet.of(uids), batch.manner + 1))
        else:
            self._outcome.refused(uids[0], reason)
            self._refusals += 1
            if self._refusals >= REFUSALS:
                raise MailboxError(f"message after message is refused: {reason}")

    def _forgetOctets(self, batch: _Batch) -> None:
        self._unacknowledged -= batch.octets
        if self._unacknowledged <= UNACKNOWLEDGED:
            self._release("unacknowledged")

    # Back-pressure

    def _hold(self, reason: str) -> None:
        if not self._holds:
            self._source.pauseProducing()
        self._holds.add(reason)

    def _release(self, reason: str) -> None:
        if reason not in self._holds:
            return
        self._holds.discard(reason)
        if not self._holds:
            self._source.resumeProducing()

    def pauseProducing(self) -> None:
        """
        The target's transport is full.
        """
        self._hold("full")

    def resumeProducing(self) -> None:
        """
        The target took what it was sent.
        """
        room, self._room = self._room, None
        self._release("full")
        if room is not None:
            room.callback(None)

    def stopProducing(self) -> None:
        """
        The target's connection is gone; its commands fail.
        """
        self._holds.discard("full")
        if self._room is not None:
            self._room.errback(Lost(f"{self._target.name}: went away"))
