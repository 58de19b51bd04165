"""
Handing over messages that wait for the server's leave, over several connections at
once where there are some: L{Spread}.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial

from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

from imapsync.errors import Lost, Refused
from imapsync.imap.client import SyncClient
from imapsync.mailbox.appending import Batches
from imapsync.mailbox.batch import Message
from imapsync.mailbox.context import Clients, Further, Loan
from imapsync.mailbox.holds import Holds
from imapsync.mailbox.lane import Lane
from imapsync.mailbox.spool import pieces, spooling
from imapsync.model import Side

#: A further connection is worth the time that connecting takes for so many messages,
#: each of which takes a round trip.
EACH = 16

#: After so many octets on one connection of a pair, something is said on the other,
#: lest its server take it for dead; a message counts as some, however small it is.
_ATTENTION = 16 * 1024 * 1024
_MESSAGE = 64 * 1024


class Spread:
    """
    The messages that wait, in spools, and the lanes that take them.

    They begin in the order in which they came.  Two that may have the same Message-ID
    are not under way over different connections: where no UIDs are told, those that
    look alike are told from each other by the order in which they were stored.

    @param batches: see to what becomes of them.
    @param first: the lane that is always there.
    @param holds: hold the source.
    @param begins: called with each message when its first octet is about to go.
    @param dropped: called with the UID of each that is given up before that.
    @param failed: called when nothing more can be handed over.
    @param failing: tells whether that was so.
    @ivar lanes: those that there are.
    """

    def __init__(
        self,
        batches: Batches,
        first: Lane,
        holds: Holds,
        begins: Callable[[Message], None],
        dropped: Callable[[int], None],
        failed: Callable[[Failure], None],
        failing: Callable[[], bool],
    ) -> None:
        self.lanes = [first]
        self._batches = batches
        self._holds = holds
        self._begins = begins
        self._dropped = dropped
        self._failed = failed
        self._failing = failing
        self._waiting: deque[Message] = deque()
        self._works: dict[Lane, Deferred[None]] = {}
        self._done: Deferred[None] = succeed(None)
        self._loan: Loan | None = None
        self._over = False
        self._pairs: dict[Lane, Clients] = {}
        self._quiet: dict[Lane, int] = {}

    @property
    def busy(self) -> bool:
        """
        Whether messages wait, or are being handed over: others come behind them.
        """
        return bool(self._waiting or self._works)

    def add(self, message: Message) -> None:
        """
        One waits.
        """
        if self._done.called:
            # Known before it begins, and not fired before a failure is dealt with:
            # that may end the source, and with it what waits for this.
            self._done = Deferred(self._cancel)
        self._waiting.append(message)
        self.resume()

    def done(self) -> Deferred[None]:
        """
        Wait until all that waits is handed over.
        """
        return self._done

    def resume(self) -> None:
        """
        Have the lanes take what they may.
        """
        for lane in self.lanes:
            if lane not in self._works and self._mayTake(lane):
                self._begin(lane)
        if not self._works and (self._stopped or not self._waiting):
            self._end()
        else:
            self._hold()

    # Further connections

    def borrow(self, further: Further, side: Side, count: int) -> None:
        """
        From now on, messages may go over further connections to C{side} as well.

        @param count: so many are worth it.
        """
        # No round trip is spared with many in one APPEND, and so they come in turn.
        self._batches.several, self._batches.most = True, 1
        self.lanes[0].narrow()
        self._loan = further.borrow(count, partial(self._join, side))

    async def settled(self) -> None:
        """
        If a connection was lost, wait until its server is through with what was sent.
        """
        if self._loan is not None and any(lane.error for lane in self.lanes):
            await self._loan.settled()

    def drop(self) -> None:
        """
        Give up all that is not answered yet.
        """
        self._over = True
        for lane in self.lanes:
            lane.drop()

    def end(self) -> None:
        """
        Nothing more is to come.
        """
        for lane in self.lanes[1:]:
            lane.stop()
        if self._loan is not None:
            self._loan.end()

    def _join(self, side: Side, pair: Clients) -> None:
        lane = Lane(pair[side], self._batches, parted=self._parted)
        self._pairs[lane] = pair
        self._quiet[lane] = 0
        lane.start()
        self.lanes.append(lane)
        self.resume()

    def _parted(self, lane: Lane) -> None:
        if self._loan is not None and lane.error is not None:
            self._loan.lost(self._pairs[lane], lane.error)

    def _attend(self, lane: Lane, octets: int) -> None:
        """
        Keep the other connection of the pair alive.
        """
        if lane.parted is None:
            return
        self._quiet[lane] += octets + _MESSAGE
        if self._quiet[lane] > _ATTENTION:
            self._quiet[lane] = 0
            for client in self._others(lane):
                client.catchUp().addErrback(lambda _: None)

    def _others(self, lane: Lane) -> list[SyncClient]:
        pair = self._pairs[lane].values()
        return [client for client in pair if client is not lane.target]

    # Handing over

    @property
    def _stopped(self) -> bool:
        return self._over or self._failing()

    def _mayTake(self, lane: Lane) -> bool:
        """
        Whether it may take the next.
        """
        if not self._waiting or lane.error is not None or self._stopped:
            return False
        name = _name(self._waiting[0])
        others = [
            one for other in self.lanes if other is not lane for one in other.under
        ]
        return name not in map(_name, others)

    def _begin(self, lane: Lane) -> None:
        start: Deferred[None] = Deferred()
        work = start.addCallback(lambda _: Deferred.fromCoroutine(self._serve(lane)))
        work.addErrback(self._fell, lane)
        work.addErrback(self._failed)
        self._works[lane] = work
        work.addCallback(self._served, lane)
        start.callback(None)

    async def _serve(self, lane: Lane) -> None:
        while self._mayTake(lane):
            message = self._waiting.popleft()
            if self._batches.several:
                lane.under.append(message)
            self._hold()
            await self._unspool(message, lane)
            self._attend(lane, message.octets)

    def _fell(self, failure: Failure, lane: Lane) -> Failure | None:
        error = failure.value
        if lane.parted is None or not isinstance(error, Lost):
            return failure
        lane.fall(error)
        return None

    def _served(self, _: None, lane: Lane) -> None:
        del self._works[lane]
        self.resume()

    def _cancel(self, _: Deferred[None]) -> None:
        for work in list(self._works.values()):
            work.cancel()

    def _hold(self) -> None:
        """
        Have enough come that every lane has something to do, and no more.
        """
        lanes = sum(lane.error is None for lane in self.lanes)
        enough = 2 * lanes if lanes > 1 else 1
        if len(self._waiting) + len(self._works) >= enough:
            self._holds.add("spool")
        else:
            self._holds.remove("spool")

    def _end(self) -> None:
        for message in self._waiting:
            self._dropped(message.row.uid)  # it has to come again
            if message.spool is not None:
                message.spool.close()
        self._waiting.clear()
        # The source may go on at once, so that there is something to be done again.
        done, self._done = self._done, succeed(None)
        self._holds.remove("spool")
        if not done.called:
            done.callback(None)

    async def _unspool(self, message: Message, lane: Lane) -> None:
        spool = message.spool
        if spool is None:
            return
        with spool, spooling():
            self._begins(message)
            leave = lane.begin(message)
            if leave is not None:
                try:
                    await leave
                except Refused:
                    # The answer to the whole APPEND; its batch sees to it.
                    lane.end(message)
                    lane.close()
                    self._batches.weigh()
                    return
            for piece in pieces(spool):
                lane.write(piece)
                await lane.emptied()
        lane.end(message)
        self._batches.weigh()


def _name(message: Message) -> bytes:
    """
    What two messages that look alike have in common.
    """
    return b" ".join(message.messageId.split())
