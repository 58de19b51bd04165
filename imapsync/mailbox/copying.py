"""
Copying messages: a FETCH on one side flows straight into APPENDs on the other.

No message is held.  When the target's transport is full, or too much unacknowledged,
the source is paused, so that memory stays flat whatever the sizes are.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from itertools import islice

from twisted.python.failure import Failure

from imapsync.content.digest import KeyDigest
from imapsync.errors import ImapSyncError, Lost, MailboxError, Refused
from imapsync.imap.client import SyncClient
from imapsync.imap.commands.append import BARE, Head
from imapsync.imap.commands.mailbox import Selected
from imapsync.imap.commands.messages import BodyReceiver
from imapsync.imap.wire.responses import Row
from imapsync.mailbox.appending import MESSAGES, Batches
from imapsync.mailbox.batch import Message
from imapsync.mailbox.context import Further
from imapsync.mailbox.holds import Holds
from imapsync.mailbox.lane import Lane
from imapsync.mailbox.limit import Limit
from imapsync.mailbox.outcome import Outcome
from imapsync.mailbox.queue import Queue
from imapsync.mailbox.quotas import isNoRoom
from imapsync.mailbox.spool import newSpool, spooling
from imapsync.mailbox.spread import EACH, Spread
from imapsync.model import Octets, Side
from imapsync.uidset import UidSet

ITEMS = "(FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])"
#: So many octets, which are not held here, a far server may have to work on.
UNACKNOWLEDGED = 32 * 1024 * 1024
#: Where no UIDs are told, so many go first, to see whether they are recognised.
PROBE = 8


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
    @param aid: which further connections may help, and to which side they go.
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
        aid: tuple[Further, Side] | None = None,
    ) -> None:
        self._source = source
        self._target = target
        self._outcome = outcome
        self._careful = careful
        self._limit = Limit(limit, outcome)
        self._sent = sent
        self.left = self._given = False
        self._aid = None if careful or most == 1 else aid
        self._batches = batches = Batches(
            *(into, target.features, outcome, most, careful),
            *(self._weigh, self._failed),
        )
        self._holds = holds = Holds(source)
        self._lane = Lane(target, batches, holds)
        self._spread = Spread(
            *(batches, self._lane, holds, self._begins, self._dropped),
            *(self._failed, lambda: self._failure is not None),
        )
        self.queue = Queue(outcome.begins)
        self._count = self._leaves = 0
        self._message: Message | None = None
        self._large = 0  # octets of one that is passed over
        self._digest = KeyDigest()
        self._arrived: set[int] = set()
        self._suspects: list[int] = []
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
        self._lane.start()
        try:
            if self._careful:  # some were refused before
                uids = await self._limit.among(self._source, uids)
            self._count, batches = len(uids), self._batches
            wanted = self._wanted if self._target.features.asksLeave(1) else 0
            if wanted and "UIDPLUS" not in self._target.features:
                first = UidSet.of(islice(uids, PROBE))
                batches.again.append((uids - first, 0))
                uids = first
            batches.again.append((uids, 0))
            while batches.again:
                self._borrow(wanted)  # once it is known that it may be
                some, batches.manner = batches.again.pop()
                await self._stream(some)
            await self._spread.settled()
        except Exception as error:
            self._spread.drop()
            self._batches.drop()
            if isinstance(error, Lost):
                self._batches.blame(self._lane, error.blameless, self._suspects)
            raise
        finally:
            if not self._given:
                self._endStream()

    @property
    def _wanted(self) -> int:
        """
        How many further connections are worth it, if each message that is left takes a
        round trip.
        """
        if self._aid is None:
            return 0
        further, _ = self._aid
        worth = (self._count - self.queue.messages) // EACH - 1
        return max(0, min(further.spare, worth))

    def _waits(self, size: int) -> None:
        """
        Where small messages need not wait, it turns out whether most do.

        @param size: so many octets has one that does, or comes behind one.
        """
        self._leaves += self._target.features.asksLeave(size)
        if self._leaves == EACH and "UIDPLUS" in self._target.features:
            self._borrow(self._wanted)

    def _borrow(self, wanted: int) -> None:
        batches = self._batches
        known = "UIDPLUS" in self._target.features or batches.known
        if self._aid is not None and wanted > 0 and known and not batches.several:
            self._spread.borrow(*self._aid, wanted)

    def _endStream(self) -> None:
        self._lane.stop()
        self._spread.end()
        self._holds.clear()
        self._arrived.clear()

    def _begins(self, message: Message) -> None:
        self.queue.sends(UidSet.of([message.row.uid]), message.octets)

    def _dropped(self, uid: int) -> None:
        self._arrived.discard(uid)

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
        await self._spread.done()
        for lane in self._spread.lanes:
            lane.close()
        if self._batches.several:
            await self._batches.answered()
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
            self._begins(message)
            self._lane.begin(message)
        else:
            # APPEND wants the attributes, or the server's leave, first.
            message.spool = newSpool()
            self._waits(size)

    def _passing(self, rows: Sequence[Row], size: int) -> Sequence[Head] | None:
        """
        What is in front of messages that can go on at once; C{None} if one cannot.

        @param size: so many octets has the largest.
        """
        told = all(row.uid and row.date and row.flags is not None for row in rows)
        if not told or self._spread.busy or self._limit.isExceeded(size):
            return None
        return self._lane.passing(rows, size)

    def messagesReceived(self, messages: list[tuple[Row, Octets]]) -> None:
        """
        Small ones, which make most of the work.
        """
        while messages:
            room = self._lane.room
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
        self._lane.take([*map(Message.whole, bodies, rows, heads)], bodies)
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
            self._lane.write(piece)
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
            self._lane.end(message)
            self._weigh()
        else:
            self._spread.add(message)

    def _weigh(self) -> None:
        if self._batches.unacknowledged > UNACKNOWLEDGED:
            self._holds.add("unacknowledged")
        else:
            self._holds.remove("unacknowledged")
        if self._spread.busy:
            self._spread.resume()

    def _failed(self, failure: Failure) -> None:
        self._failure = self._failure or failure
        error = failure.value
        if isinstance(error, ImapSyncError) and not isinstance(error, MailboxError):
            # Nothing more can be copied: the stream need not run out.
            self._source.abort(error)
