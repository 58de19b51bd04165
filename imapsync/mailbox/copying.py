"""
Copying messages: a FETCH on one side flows straight into APPENDs on the other.

No message is held.  When the target's transport is full, or too much unacknowledged,
the source is paused, so that memory stays flat whatever the sizes are.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from typing import cast

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IConsumer, IPushProducer
from twisted.python.failure import Failure
from zope.interface import implementer

from imapsync.content.digest import KeyDigest
from imapsync.errors import ImapSyncError, Lost, MailboxError, Refused
from imapsync.imap.client import SyncClient
from imapsync.imap.commands.append import BARE, Head
from imapsync.imap.commands.mailbox import Selected
from imapsync.imap.commands.messages import BodyReceiver
from imapsync.imap.wire.responses import Row
from imapsync.mailbox.appending import MESSAGES, Batches
from imapsync.mailbox.batch import Message
from imapsync.mailbox.holds import Holds
from imapsync.mailbox.limit import Limit
from imapsync.mailbox.outcome import Outcome
from imapsync.mailbox.queue import Queue
from imapsync.mailbox.quotas import isNoRoom
from imapsync.mailbox.spool import newSpool, pieces, spooling
from imapsync.model import Octets
from imapsync.uidset import UidSet

ITEMS = "(FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])"
#: So many octets, which are not held here, a far server may have to work on.
UNACKNOWLEDGED = 32 * 1024 * 1024


@implementer(IPushProducer)
class Copier(BodyReceiver):
    """
    Copies messages from the mailbox that C{source} has selected.

    @param into: the mailbox on the target's side, which is selected there.
    @param most: so many messages are in one APPEND at the most.
    @param careful: whether to ask the target's leave for each message.
    @param limit: the target takes no more octets in a message, as it says.
    @param sent: called when all is sent and only the target's answers are
        awaited; not if more is to be done after them.  It returns whether the
        connections are not ours any more: then what goes wrong is left.
    @ivar left: whether anything was.
    @ivar queue: which messages are sent next.
    """

    def __init__(
        self,
        source: SyncClient,
        target: SyncClient,
        into: Selected,
        outcome: Outcome,
        most: int = MESSAGES,
        careful: bool = False,
        limit: int | None = None,
        sent: Callable[[], bool] | None = None,
    ) -> None:
        self._source = source
        self._target = target
        self._outcome = outcome
        self._careful = careful
        self._limit = Limit(limit, outcome)
        self._sent = sent
        self.left = self._given = False
        self._batches = Batches(
            target, into, outcome, most, careful, self._weigh, self._failed
        )
        self.queue = Queue(outcome.begins)
        self._message: Message | None = None
        self._large = 0  # octets of one that is passed over
        self._digest = KeyDigest()
        self._arrived: set[int] = set()
        self._suspects: list[int] = []
        self._spooled: deque[Message] = deque()
        self._draining: Deferred[None] = succeed(None)
        self._holds = Holds(source)
        self._room: Deferred[None] | None = None
        self._failure: Failure | None = None

    async def copy(self, uids: UidSet) -> None:
        """
        Copy what still exists of C{uids}, and report on each message.  Their
        number is what memory depends on.

        @raise Lost: a connection went; what was acknowledged is reported.
        @raise MailboxError: the target takes nothing.
        @raise StateError: no room to spool a message.
        """
        self.queue.extend(uids)
        cast(IConsumer, self._target.transport).registerProducer(self, True)
        try:
            if self._careful:  # some were refused before
                uids = await self._limit.among(self._source, uids)
            self._batches.again.append((uids, 0))
            while self._batches.again:
                some, self._batches.manner = self._batches.again.pop()
                await self._stream(some)
        except Exception as error:
            self._batches.drop()
            if isinstance(error, Lost):
                self._blame(error.blameless)
            raise
        finally:
            if not self._given:
                self._endStream()

    def _endStream(self) -> None:
        cast(IConsumer, self._target.transport).unregisterProducer()
        self._holds.clear()
        self._arrived.clear()

    def _begin(self, message: Message) -> Deferred[None] | None:
        self.queue.sends(UidSet.of([message.row.uid]), message.octets)
        return self._batches.begin(message)

    def _blame(self, blameless: bool) -> None:
        """
        A connection was lost: say over which messages; or which had been refused.
        """
        batches = self._batches
        doubted = batches.doubted + [u for us, n in batches.again if n for u in us]
        if self._careful:
            # Each was by itself.  Who says that it can be asked in another manner?
            for uid in doubted:
                self._outcome.refused(uid, batches.refusing or "it was refused before")
        else:
            self._outcome.doubted(doubted)
        # What was sent behind a refusal by which a server takes leave is not to blame.
        spared = batches.refusing and self._target.farewell
        if not blameless and (self._suspects or not spared):
            self._outcome.broken(self._suspects or batches.suspects)

    async def _stream(self, uids: UidSet) -> None:
        self._arrived = set()
        refusal = None
        try:
            await self._source.fetchBodies(uids, ITEMS, self)
        except Refused as error:
            refusal = error
        except ImapSyncError:
            if self._failure is None and not self._target.lost.called:
                # What it was about to send.
                self._suspects = list(islice(uids - UidSet.of(self._arrived), 1))
            await self._abandon()
            raise
        await self._answered(complete=not uids - UidSet.of(self._arrived))
        if not self._given:  # else nothing is missing
            await self._missed(uids - UidSet.of(self._arrived), refusal)

    async def _answered(self, complete: bool = False) -> None:
        """
        Wait until all that came is handed over, and acknowledged or refused.

        @param complete: whether all came that was to be copied.
        """
        await self._draining
        self._batches.close()
        trouble = self._batches.again or self._batches.lessened or self._failure
        full = "unacknowledged" in self._holds or self._batches.untold
        if complete and not (trouble or full) and self._sent and self._sent():
            self._given = True
            self._endStream()
        await self._batches.answered()
        failure = self._failure
        if failure is not None and not failure.check(MailboxError):
            failure.raiseException()
        if self._given:
            self._batches.untold.leave()
            self.left = failure is not None or self._batches.lessened
            return
        # A server that says that it takes nothing may have stored it even so.
        stored = await self._batches.settle()
        if failure is not None and not (stored and isNoRoom(failure.value)):
            failure.raiseException()
        self._failure = None

    async def _abandon(self) -> None:
        """
        The source is gone.  A message of which a part was sent must never be
        completed; what is complete may be.
        """
        if self._message is not None and self._message.spool is None:
            self._target.abort(Lost(f"{self._source.name}: went away in a message"))
        self._message = None
        with contextlib.suppress(ImapSyncError):  # the source's end is what is told
            await self._answered()

    async def _missed(self, uids: UidSet, refusal: Refused | None) -> None:
        """
        Some did not come: gone, or the server cannot read them, or not so many at once.
        """
        if not uids:
            return
        there = await self._source.exists(uids)
        late = refusal is not None and refusal.delayed
        if there and (late or self._arrived or (refusal and len(there) > 1)):
            self._batches.halve(list(there), self._batches.manner, late)
            return
        for uid in there:
            self._outcome.refused(uid, str(refusal or "the server did not send it"))

    # From the source

    def bodyBegan(self, row: Row, size: int) -> None:
        """
        A message follows.
        """
        self._large = 0
        if self._failure is not None or row.uid in self._arrived:
            return
        if self._limit.isExceeded(size):
            self._large = size
            return
        heads = self._passing([row], size)
        self._message = message = Message(size, row, heads[0] if heads else BARE)
        self._digest = KeyDigest()
        if heads:
            self._begin(message)
        else:
            # APPEND wants the attributes, or the server's leave, first.
            message.spool = newSpool()

    def _passing(self, rows: Sequence[Row], size: int) -> Sequence[Head] | None:
        """
        What is in front of messages that can go on at once; C{None} if one cannot.

        @param size: so many octets has the largest.
        """
        told = all(row.uid and row.date and row.flags is not None for row in rows)
        if not told or "spool" in self._holds or self._limit.isExceeded(size):
            return None
        return self._batches.passing(rows, size)

    def messagesReceived(self, messages: list[tuple[Row, Octets]]) -> None:
        """
        Small ones, which make most of the work.
        """
        while messages:
            room = self._batches.room
            some, messages = messages[:room], messages[room:]
            if not self._passOn(some):
                super().messagesReceived(some)  # one by one

    def _passOn(self, messages: Sequence[tuple[Row, Octets]]) -> bool:
        """
        Hand over messages that are here whole; C{False} if one is no ordinary one.
        """
        rows = [row for row, _ in messages]
        bodies = [octets for _, octets in messages]
        uids = {row.uid for row in rows}
        heads = self._passing(rows, max(map(len, bodies)))
        known = len(uids) < len(rows) or not self._arrived.isdisjoint(uids)
        if known or heads is None or self._failure is not None:
            return False
        self._arrived |= uids
        self.queue.sends(UidSet.of(uids), sum(map(len, bodies)))
        self._batches.take([*map(Message.whole, bodies, rows, heads)], bodies)
        self._weigh()
        return True

    def bodyReceived(self, piece: Octets) -> None:
        """
        Octets of it.
        """
        if (message := self._message) is None:
            return
        self._digest.write(piece)
        if message.spool is None:
            self._batches.write(piece)
        else:
            with spooling():
                message.spool.write(piece)

    def bodyEnded(self, row: Row) -> None:
        """
        It is complete.
        """
        message, self._message = self._message, None
        if message is None:
            if self._limit.refuses(row.uid, self._large):
                self._arrived.add(row.uid)
            return
        if not row.uid or row.flags is None:
            if message.spool is None:
                raise Lost(f"{self._source.name}: a message lost its UID or FLAGS")
            message.spool.close()  # it has not come: nobody knows which it is
            return
        message.complete(row, self._digest)
        self._arrived.add(row.uid)
        if message.spool is None:
            self._end(message)
        else:
            self._spooled.append(message)
            if "spool" not in self._holds:
                self._startDraining()

    def _startDraining(self) -> None:
        self._holds.add("spool")
        start: Deferred[None] = Deferred()
        work = start.addCallback(lambda _: Deferred.fromCoroutine(self._drain()))
        work.addErrback(self._failed)
        # Known before it begins, and not fired before a failure is dealt with: that
        # may end the source, and with it what waits for this.
        self._draining = Deferred(lambda _: work.cancel())
        work.addCallback(self._drained, self._draining)
        start.callback(None)

    async def _drain(self) -> None:
        """
        Hand over what waits in spools.
        """
        while self._spooled and self._failure is None:
            await self._unspool(self._spooled.popleft())

    def _drained(self, _: None, done: Deferred[None]) -> None:
        for message in self._spooled:
            self._arrived.discard(message.row.uid)  # it has to come again
            if message.spool is not None:
                message.spool.close()
        self._spooled.clear()
        self._holds.remove("spool")
        done.callback(None)

    async def _unspool(self, message: Message) -> None:
        spool = message.spool
        if spool is None:
            return
        with spool, spooling():
            leave = self._begin(message)
            if leave is not None:
                try:
                    await leave
                except Refused:
                    # The answer to the whole APPEND; its batch sees to it.
                    self._end(message)
                    self._batches.close()
                    return
            for piece in pieces(spool):
                self._batches.write(piece)
                if "full" in self._holds:
                    self._room = Deferred()
                    await self._room
        self._end(message)

    def _end(self, message: Message) -> None:
        self._batches.end(message)
        self._weigh()

    def _weigh(self) -> None:
        if self._batches.unacknowledged > UNACKNOWLEDGED:
            self._holds.add("unacknowledged")
        else:
            self._holds.remove("unacknowledged")

    def _failed(self, failure: Failure) -> None:
        self._failure = self._failure or failure
        error = failure.value
        if isinstance(error, ImapSyncError) and not isinstance(error, MailboxError):
            # Nothing more can be copied: the stream need not run out.
            self._source.abort(error)

    # Back-pressure

    def pauseProducing(self) -> None:
        """
        The target's transport is full.
        """
        self._holds.add("full")

    def resumeProducing(self) -> None:
        """
        The target took what it was sent.
        """
        room, self._room = self._room, None
        self._holds.remove("full")
        if room is not None:
            room.callback(None)

    def stopProducing(self) -> None:
        """
        The target's connection is gone; its commands fail.
        """
        self._holds.forget("full")
        room, self._room = self._room, None
        if room is not None:
            # It fails as all does that is asked of it now.
            self._target.catchUp().addCallback(lambda _: None).chainDeferred(room)
