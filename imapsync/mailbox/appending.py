"""
What becomes of messages that are handed over: the answers to the APPENDs to one
mailbox, many messages in each, which go over a L{imapsync.mailbox.lane.Lane}.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import cast

from twisted.internet.defer import Deferred, DeferredList
from twisted.python.failure import Failure

from imapsync.errors import ImapSyncError, Lost, MailboxError, Refused
from imapsync.imap.backoff import isFull
from imapsync.imap.commands.append import Appended
from imapsync.imap.commands.mailbox import Selected
from imapsync.imap.features import Features
from imapsync.mailbox.batch import Batch, Message, copied, culprits
from imapsync.mailbox.heads import MANNERS, Heads
from imapsync.mailbox.lane import Lane
from imapsync.mailbox.outcome import Outcome
from imapsync.mailbox.quotas import noRoom
from imapsync.mailbox.untold import Untold
from imapsync.uidset import UidSet

#: One APPEND takes so many messages at the most.
MESSAGES = 2000
#: What we know of a message that was sent takes so much memory, and more.
_KNOWLEDGE = 2048
#: After so many refusals in a row, a server will take nothing.
REFUSALS = 50

#: With these, a server objects to the message, not to what comes with it.
_FINAL = ("OVERQUOTA", "LIMIT", "TOOBIG")
#: With these, to neither.
_BUSY = ("UNAVAILABLE", "INUSE")
#: With this, to their number (RFC 9738).
_LIMITED = "MESSAGELIMIT"


class Batches:
    """
    What is appended to the mailbox C{into}, in whatever lanes, and what became of it.

    @param features: what its server can do.
    @param most: so many messages are in one APPEND at the most.
    @param careful: whether to ask leave for each.
    @param settled: called when a batch was answered, or something handed over.
    @param failed: called when nothing more can be appended.
    @ivar most: likewise, as far as the server takes so many.
    @ivar heads: what is in front of messages.
    @ivar manner: how the messages to come are handed over.
    @ivar again: what is to be sent again, and in which manner.
    @ivar several: whether they go over several connections: then their order says
        nothing of which is which.
    @ivar outstanding: fire when the batches under way are answered.
    @ivar unacknowledged: octets that were sent and not answered, and what it
        takes to remember which.
    @ivar lessened: whether one was refused, even in part, given less, or an odd date,
        or is in doubt.
    @ivar untold: those of which the server did not tell the UIDs of the copies.
    """

    def __init__(
        self,
        into: Selected,
        features: Features,
        outcome: Outcome,
        most: int,
        careful: bool,
        settled: Callable[[], None],
        failed: Callable[[Failure], None],
    ) -> None:
        self.into = into
        self._outcome = outcome
        most = min(most, features.saveLimit or most)
        self.most = most if "MULTIAPPEND" in features else 1
        self.careful = careful
        self._settled = settled
        self._failed = failed
        self.heads = Heads(into)
        self._refusals = 0
        self._parted = self._told = False
        self._held: list[tuple[Batch, Lane, Refused]] = []
        self.untold = Untold(outcome)
        self.manner = 0
        self.again: list[tuple[UidSet, int]] = []
        self.several = False
        self.outstanding: set[Deferred[None]] = set()
        self.unacknowledged = 0
        self.lessened = False

    @property
    def known(self) -> bool:
        """
        Whether copies are known so far by their UIDs, or by what they are, and none
        only by the order in which they came.
        """
        recognises = self.untold.recognises
        return self._told if recognises is None else recognises

    def enter(self, batch: Batch, messages: list[Message]) -> None:
        """
        These are in it now.
        """
        octets = sum([message.octets for message in messages])
        batch.messages += messages
        batch.octets += octets
        self.unacknowledged += octets + len(messages) * _KNOWLEDGE

    def commit(self, batch: Batch, lane: Lane) -> None:
        """
        It is complete.
        """
        done: Deferred[None] = batch.appending.finish().addCallbacks(
            self._acknowledged,
            self._refused,
            callbackArgs=(batch, lane),
            errbackArgs=(batch, lane),
        )
        lane.pending += 1
        self.outstanding.add(done)
        done.addErrback(self._failed)
        done.addBoth(self._answered, done, batch, lane)

    def weigh(self) -> None:
        """
        Something was handed over.
        """
        self._settled()

    def drop(self) -> None:
        """
        Nothing more can be found out.
        """
        self.untold.leave()
        with suppress(MailboxError):  # there is more amiss
            self._resolve({})

    def blame(
        self, lane: Lane, blameless: bool, others: list[int] | None = None
    ) -> None:
        """
        A connection was lost: say over which messages; or which had been refused.

        @param others: over which, if it was none that was handed over.
        """
        doubted = lane.doubted
        if lane.parted is None:  # nobody asks again
            doubted = doubted + [u for uids, n in self.again if n for u in uids]
        if self.careful:
            # Each was by itself.  Who says that it can be asked in another manner?
            for uid in doubted:
                self._outcome.refused(uid, lane.refusing or "it was refused before")
        else:
            self._outcome.doubted(doubted)
        # What was sent behind a refusal by which a server takes leave is not to blame.
        spared = lane.refusing and lane.target.farewell
        if not blameless and (others or not spared):
            self._outcome.broken(others or lane.suspects)

    def lost(self, lane: Lane, uids: list[int], error: ImapSyncError) -> None:
        """
        The connection of a lane was lost without which others go on: whether these
        messages are there is not known, and left to the next look.
        """
        first, lane.error = lane.error is None, error
        self.lessened = self._parted = True
        lane.under.clear()
        if uids:
            self._outcome.parted(uids)
        if first:
            lane.suspects = lane.suspects or uids
            if isinstance(error, Lost):
                self.blame(lane, error.blameless)
            if lane.parted is not None:
                lane.parted(lane)

    def halve(self, uids: list[int], manner: int, whole: bool = False) -> None:
        """
        Send these again, in two parts: one of them is the trouble.

        @param whole: none of them is.
        """
        if whole:
            self.again.append((UidSet.of(uids), manner))
            return
        middle = len(uids) // 2
        for half in (uids[middle:], uids[:middle]):
            self.again.append((UidSet.of(half), manner))

    def _acknowledged(self, appended: Appended, batch: Batch, lane: Lane) -> None:
        self._refusals = 0
        lane.refusing, lane.doubted = "", []
        if appended.uidvalidity != self.into.mark.uidvalidity or len(
            appended.uids
        ) != len(batch.messages):
            if batch.appending.limit is not None:
                text = "it took only a part of them"
                error = Refused("APPEND", "NO", _LIMITED, text)
                self._held.append((batch, lane, error))
                self.lessened = True
            else:
                self.untold.add(batch.messages)
            return
        self._told = True
        self._copied([*zip(batch.messages, appended.uids, strict=True)])

    def _copied(self, messages: list[tuple[Message, int]]) -> None:
        """
        These have been stored, with these UIDs.
        """
        self._outcome.copied([copied(message, uid) for message, uid in messages])
        for message, _ in messages:
            if not message.head.date:
                self._outcome.undated(message.row.uid)
            if message.octets != message.size:
                self._outcome.missized(message.row.uid, message.octets, message.size)

    def _refused(self, failure: Failure, batch: Batch, lane: Lane) -> None:
        uids = [message.row.uid for message in batch.messages]
        if failure.check(Lost) and (not lane.suspects or batch.appending.misread):
            lane.suspects = uids
            if batch.appending.misread:
                self._outcome.misread(uids, str(failure.value))
        if lane.parted is not None and failure.check(Lost):
            self.lost(lane, uids, cast(Lost, failure.value))
            return
        failure.trap(Refused)
        error = cast(Refused, failure.value)
        self._held.append((batch, lane, error))
        self.lessened = True
        if error.delayed or error.responseCode in _BUSY:
            return
        lane.refusing, lane.doubted = str(error), culprits(batch, error.responseCode)
        if len(uids) == 1 and self._next(batch, error) is None:
            lane.doubted = []
            self._refusals += 1
            full = isFull(error.responseCode, error.text)
            if full and self._outcome.isFull(self._refusals):
                raise noRoom(error)
            if self._refusals >= REFUSALS:
                raise MailboxError(f"message after message is refused: {error}")

    async def answered(self) -> None:
        """
        Wait until all are.
        """
        while self.outstanding:
            await DeferredList(list(self.outstanding))

    async def settle(self) -> bool:
        """
        When all are answered, look for those of which it was not told where they are,
        and deal with those that were refused.  A server may have stored them even so:
        what has come to the mailbox is looked at first.

        @return: whether it had stored any.
        @raise MailboxError: that cannot be told.
        """
        if self._parted:
            # What is not told may be of those that are in doubt.
            self.untold.leave()
        elif self.untold:
            self._copied(await self.untold.find(guess=not self.several))
        stored: Mapping[int, bytes] = {}
        doubtful = [why for one, _, why in self._held if one.appending.mayHaveStored]
        if doubtful:
            try:
                stored = await self.untold.strangers(one for one, *_ in self._held)
            except Refused as error:
                text = f"{doubtful[-1]}, and whether it was stored is not told: {error}"
                raise MailboxError(text, responseCode=error.responseCode) from error
        return self._resolve(stored)

    def _resolve(self, stored: Mapping[int, bytes]) -> bool:
        held, self._held = self._held, []
        some = False
        there: dict[bytes, list[int]] = {}
        for uid, key in stored.items():
            there.setdefault(key, []).append(uid)
        for batch, lane, error in held:
            found, uids = [], []
            for message in batch.messages:
                if there.get(message.key):
                    found.append((message, there[message.key].pop()))
                else:
                    uids.append(message.row.uid)
            if not found:
                self._refuse(batch, error, uids)
                continue
            some = True
            self._copied(found)
            self._refusals = 0
            lane.refusing, lane.doubted = "", []
            if uids:
                self.again.append((UidSet.of(uids), batch.manner))
        return some

    def _refuse(self, batch: Batch, error: Refused, uids: list[int]) -> None:
        """
        None of a batch is there: try in another way, or not.

        @raise MailboxError: nothing else is to be tried there.
        """
        limit, code = batch.appending.limit, error.responseCode
        if error.delayed:
            self.halve(uids, batch.manner, whole=True)
        elif code in _BUSY:
            raise MailboxError(str(error), responseCode=code)
        elif limit is not None and 0 < limit.most < len(uids):
            self.most = min(self.most, limit.most)
            self.again.append((UidSet.of(uids), batch.manner))
        elif len(uids) > 1:
            self.halve(uids, batch.manner)
        elif (manner := self._next(batch, error)) is not None:
            self.again.append((UidSet.of(uids), manner))
        elif isFull(code, error.text):
            self._outcome.full(uids[0], str(error), code)
        else:
            self._outcome.refused(uids[0], str(error), code)

    def _next(self, batch: Batch, error: Refused) -> int | None:
        """
        In which manner to try a single message next, if in any.
        """
        if error.responseCode in _FINAL or isFull(error.responseCode, error.text):
            return None
        [message] = batch.messages
        ways = range(len(MANNERS))
        heads = [self.heads.of([message.row], number)[0] for number in ways]
        tried = heads[: batch.manner + 1]
        return next((n for n, head in enumerate(heads) if head not in tried), None)

    def _answered(
        self, _: object, done: Deferred[None], batch: Batch, lane: Lane
    ) -> None:
        self.outstanding.discard(done)
        lane.pending -= 1
        if self.several:
            lane.under = [one for one in lane.under if one not in batch.messages]
        self.unacknowledged -= batch.octets + len(batch.messages) * _KNOWLEDGE
        self._settled()
