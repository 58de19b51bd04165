"""
Handing messages over: the APPENDs to one mailbox, many messages in each, and
what became of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import cast

from twisted.internet.defer import Deferred, DeferredList
from twisted.python.failure import Failure

from imapsync.errors import Lost, MailboxError, Refused
from imapsync.imap.backoff import isFull
from imapsync.imap.client import SyncClient
from imapsync.imap.commands.append import BARE, Appended, Head, Words
from imapsync.imap.commands.mailbox import Selected
from imapsync.imap.wire.responses import Row
from imapsync.mailbox.batch import Batch, Message, copied, culprits
from imapsync.mailbox.heads import MANNERS, Heads
from imapsync.mailbox.outcome import Outcome
from imapsync.mailbox.quotas import noRoom
from imapsync.mailbox.untold import Untold
from imapsync.model import Octets
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
    Appends to the mailbox C{into}.

    @param most: so many messages are in one APPEND at the most.
    @param careful: whether to ask leave for each.
    @param settled: called when a batch was answered.
    @param failed: called when nothing more can be appended.
    @ivar manner: how the messages to come are handed over.
    @ivar again: what is to be sent again, and in which manner.
    @ivar suspects: the messages that the target had not answered for, and was to
        answer for next, when its connection was lost.
    @ivar refusing: what the last answer said if it was a refusal, else empty.
    @ivar doubted: the messages that it was about, if it is not known which of them
        was refused, or in which manner it would be taken.
    @ivar outstanding: fire when the batches under way are answered.
    @ivar unacknowledged: octets that were sent and not answered, and what it
        takes to remember which.
    @ivar lessened: whether one was refused, even in part, given less, or an odd date.
    @ivar untold: those of which the server did not tell the UIDs of the copies.
    """

    def __init__(
        self,
        target: SyncClient,
        into: Selected,
        outcome: Outcome,
        most: int,
        careful: bool,
        settled: Callable[[], None],
        failed: Callable[[Failure], None],
    ) -> None:
        self._target = target
        self._into = into
        self._outcome = outcome
        most = min(most, target.features.saveLimit or most)
        self._most = most if "MULTIAPPEND" in target.features else 1
        self._careful = careful
        self._settled = settled
        self._failed = failed
        self._present: Batch | None = None
        self._writing: Message | None = None
        self._heads = Heads(into)
        self._refusals = 0
        self._held: list[tuple[Batch, Refused]] = []
        self.untold = Untold(outcome)
        self.manner = 0
        self.again: list[tuple[UidSet, int]] = []
        self.suspects: list[int] = []
        self.refusing = ""
        self.doubted: list[int] = []
        self.outstanding: set[Deferred[None]] = set()
        self.unacknowledged = 0
        self.lessened = False

    @property
    def open(self) -> bool:
        """
        Whether an APPEND is being written.
        """
        return self._present is not None

    def begin(self, message: Message) -> Deferred[None] | None:
        """
        Announce a message, whose octets come next.

        @return: as L{Appending.message} does.
        """
        self._writing = message
        asked: bool | None = False
        if message.head is BARE:
            [message.head] = self._headsOf([message.row])
            present = self._present
            words = message.head.words
            if present is not None and present.messages and self._asks(words):
                # If it is refused, it is certain which it was, and that no more was
                # sent than was asked for.
                self._commit()
            asked = True if self._careful or self._waits else None
        batch = self._present or self._open()
        self.lessened = self.lessened or message.lessened
        return batch.appending.message(message.head, message.octets, asked)

    def passing(self, rows: Sequence[Row], size: int) -> list[Head] | None:
        """
        What is in front of messages that need not wait for the server's leave;
        C{None} if one must.

        @param size: so many octets has the largest.
        """
        heads = self._headsOf(rows)
        words = frozenset[str]().union(*{head.words for head in heads})
        waits = self._asks(words) or self._target.features.asksLeave(size)
        return None if waits else heads

    @property
    def room(self) -> int:
        """
        So many messages go into the present APPEND, or the next.
        """
        return self._most if self._present is None else self._present.room

    def take(self, messages: list[Message], octets: list[Octets]) -> None:
        """
        Messages that need not wait, with all of their octets; no more than there is
        room for.
        """
        batch = self._present or self._open()
        heads = [message.head for message in messages]
        batch.appending.whole(zip(heads, octets, strict=True))
        self.lessened = self.lessened or any(one.lessened for one in messages)
        self._written(messages)

    @property
    def _waits(self) -> bool:
        """
        Whether the next message begins an APPEND that cannot be sent yet: octets must
        not pile up before it.
        """
        return self._present is None and self._target.crowded

    def _asks(self, words: Words) -> bool:
        return self._careful or self._waits or not self._target.knows(words)

    def _headsOf(self, rows: Sequence[Row]) -> list[Head]:
        """
        What is in front of messages in the present APPEND, or the next.
        """
        present = self._present
        manner = self.manner if present is None else present.manner
        return self._heads.of(rows, manner)

    def write(self, piece: Octets) -> None:
        """
        Octets of it.
        """
        if self._present is not None:
            self._present.appending.write(piece)

    def end(self, message: Message) -> None:
        """
        It was written in full.
        """
        self._writing = None
        self._written([message])

    def _written(self, messages: list[Message]) -> None:
        self._enter(messages)
        if self._present is not None and self._present.full:
            self.close()

    def _enter(self, messages: list[Message]) -> None:
        batch = self._present
        if batch is not None:
            octets = sum([message.octets for message in messages])
            batch.messages += messages
            batch.octets += octets
            self.unacknowledged += octets + len(messages) * _KNOWLEDGE

    def close(self) -> None:
        """
        Have the server commit what it was sent.
        """
        if self._writing is not None:
            self._enter([self._writing])
            self._giveUp()
        self._commit()

    def _commit(self) -> None:
        batch, self._present = self._present, None
        if batch is None:
            return
        done: Deferred[None] = batch.appending.finish().addCallbacks(
            self._acknowledged,
            self._refused,
            callbackArgs=(batch,),
            errbackArgs=(batch,),
        )
        self.outstanding.add(done)
        done.addErrback(self._failed)
        done.addBoth(self._answered, done, batch)

    def drop(self) -> None:
        """
        Give up an APPEND that is still being written.
        """
        batch, self._present = self._present, None
        if batch is not None:
            batch.appending.done.addErrback(lambda _: None)
            self._giveUp()
        self.untold.leave()
        with suppress(MailboxError):  # there is more amiss
            self._resolve({})

    def _giveUp(self) -> None:
        """
        What is not complete must never be completed.
        """
        self._target.abort(Lost(f"{self._target.name}: given up in an APPEND"))

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

    def _open(self) -> Batch:
        appending = self._target.beginAppend(self._into.name)
        self._present = Batch(appending, self.manner, self._most)
        return self._present

    def _acknowledged(self, appended: Appended, batch: Batch) -> None:
        self._refusals = 0
        self.refusing, self.doubted = "", []
        if appended.uidvalidity != self._into.mark.uidvalidity or len(
            appended.uids
        ) != len(batch.messages):
            if batch.appending.limit is not None:
                text = "it took only a part of them"
                self._held.append((batch, Refused("APPEND", "NO", _LIMITED, text)))
                self.lessened = True
            else:
                self.untold.add(batch.messages)
            return
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

    def _refused(self, failure: Failure, batch: Batch) -> None:
        uids = [message.row.uid for message in batch.messages]
        if failure.check(Lost) and (not self.suspects or batch.appending.misread):
            self.suspects = uids
            if batch.appending.misread:
                self._outcome.misread(self.suspects, str(failure.value))
        failure.trap(Refused)
        error = cast(Refused, failure.value)
        self._held.append((batch, error))
        self.lessened = True
        if error.delayed or error.responseCode in _BUSY:
            return
        self.refusing, self.doubted = str(error), culprits(batch, error.responseCode)
        if len(uids) == 1 and self._next(batch, error) is None:
            self.doubted = []
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
        if self.untold:
            self._copied(await self.untold.find())
        stored: Mapping[int, bytes] = {}
        doubtful = [why for one, why in self._held if one.appending.mayHaveStored]
        if doubtful:
            try:
                stored = await self.untold.strangers(one for one, _ in self._held)
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
        for batch, error in held:
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
            self.refusing, self.doubted = "", []
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
            self._most = min(self._most, limit.most)
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
        heads = [self._heads.of([message.row], number)[0] for number in ways]
        tried = heads[: batch.manner + 1]
        return next((n for n, head in enumerate(heads) if head not in tried), None)

    def _answered(self, _: object, done: Deferred[None], batch: Batch) -> None:
        self.outstanding.discard(done)
        self.unacknowledged -= batch.octets + len(batch.messages) * _KNOWLEDGE
        self._settled()
