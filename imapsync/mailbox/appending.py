"""
Handing messages over: the APPENDs to one mailbox, many messages in each, and
what became of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO, NamedTuple

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from imapsync.content.digest import stamp
from imapsync.errors import Lost, MailboxError, Refused
from imapsync.imap.backoff import isFull
from imapsync.imap.client import SyncClient
from imapsync.imap.commands.append import SYSTEM, Appended, Appending, headOf
from imapsync.imap.commands.mailbox import Selected
from imapsync.imap.wire.arguments import dateTime
from imapsync.imap.wire.responses import Row
from imapsync.mailbox.outcome import Copied, Outcome
from imapsync.model import Flags
from imapsync.plan.flags import common
from imapsync.uidset import UidSet

#: One APPEND takes so many messages, and so many octets, at the most: a
#: server commits once for all of them.
MESSAGES = 2000
OCTETS = 4 * 1024 * 1024
#: What we know of a message that was sent takes so much memory, and more.
_KNOWLEDGE = 2048
#: After so many refusals in a row, a server will take nothing.
REFUSALS = 50

#: With these, a server objects to the message, not to what comes with it.
_FINAL = ("LIMIT", "TOOBIG")

#: With these, it objects to neither.
_BUSY = ("UNAVAILABLE", "INUSE")


@dataclass(slots=True)
class Message:
    """
    One that is passing through.

    @ivar flags: those that the copy is given.
    @ivar date: what its INTERNALDATE there is to be.
    @ivar key: once it is complete.
    @ivar messageId: likewise.
    @ivar spool: where it waits, if it cannot go on at once.
    """

    octets: int
    row: Row
    flags: Flags = frozenset()
    date: str = ""
    key: bytes = b""
    messageId: bytes = b""
    spool: IO[bytes] | None = None

    @property
    def size(self) -> int:
        """
        What its server says that it is.
        """
        size = self.row.size
        return self.octets if size is None else size


class _Manner(NamedTuple):
    """
    How a message is handed over: a server may object to its date or to a
    keyword, and then gets it without.
    """

    keywords: bool
    date: bool


_MANNERS = (
    _Manner(keywords=True, date=True),
    _Manner(keywords=True, date=False),
    _Manner(keywords=False, date=True),
    _Manner(keywords=False, date=False),
)


@dataclass(slots=True)
class _Batch:
    """
    The messages of one APPEND.
    """

    appending: Appending
    manner: int
    most: int
    messages: list[Message] = field(default_factory=list)
    octets: int = 0

    @property
    def full(self) -> bool:
        return (
            len(self.messages) >= self.most
            or self.octets >= OCTETS
            or self.appending.refusal is not None
        )


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
    @ivar lessened: whether a message was given less than it has.
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
        self._most = most if "MULTIAPPEND" in target.features else 1
        self._careful = careful
        self._settled = settled
        self._failed = failed
        self._present: _Batch | None = None
        self._writing: Message | None = None
        self._kept: dict[tuple[Flags, bool], Flags] = {}
        self._refusals = 0
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

    def begin(self, message: Message, octets: bytes = b"") -> Deferred[None] | None:
        """
        Announce a message, whose octets come next.

        @param octets: those that are here already.
        @return: as L{Appending.message} does.
        """
        self._writing = message
        message.flags, message.date = given, date = self._head(message.row)
        present = self._present
        if present is not None and present.messages and self._asks(given, date):
            # If it is refused, it is certain which it was, and that no more was
            # sent than was asked for.
            self._commit()
        asked = self._careful or self._waits
        batch = self._present or self._open()
        if len(given) < len(message.row.flags or ()):
            self.lessened = True
        return batch.appending.message(given, date, message.octets, octets, asked)

    def asksLeave(self, row: Row, size: int) -> bool:
        """
        Whether a message must wait for the server's leave.
        """
        head = self._head(row)
        return self._asks(*head) or self._target.features.asksLeave(size)

    @property
    def _waits(self) -> bool:
        """
        Whether the next message begins an APPEND that cannot be sent yet: octets must
        not pile up before it.
        """
        return self._present is None and self._target.crowded

    def _asks(self, flags: Flags, date: str) -> bool:
        if self._waits:
            return True
        return self._careful or not self._target.knows(headOf(flags, date).words)

    def _head(self, row: Row, manner: int | None = None) -> tuple[Flags, str]:
        """
        What is in front of a message, when it is handed over in some manner: that
        of the present APPEND, if none is given.
        """
        if manner is None:
            present = self._present
            manner = self.manner if present is None else present.manner
        keywords, dated = _MANNERS[manner]
        date = row.date if dated and dateTime(row.date) else ""
        return self._given(row.flags or frozenset(), keywords), date

    def write(self, piece: bytes) -> None:
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
        self._enter(message)
        if self._present is not None and self._present.full:
            self.close()

    def _enter(self, message: Message) -> None:
        batch = self._present
        if batch is not None:
            batch.messages.append(message)
            batch.octets += message.octets
            self.unacknowledged += message.octets + _KNOWLEDGE

    def close(self) -> None:
        """
        Have the server commit what it was sent.
        """
        if self._writing is not None:
            self._enter(self._writing)
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

    def _open(self) -> _Batch:
        appending = self._target.beginAppend(self._into.name)
        self._present = _Batch(appending, self.manner, self._most)
        return self._present

    def _given(self, flags: Flags, keywords: bool) -> Flags:
        """
        Those of C{flags} that the server is asked to keep.
        """
        given = self._kept.get((flags, keywords))
        if given is None:
            given = frozenset(flag for flag in flags if self._into.keeps(flag))
            given = given if keywords else common(given, SYSTEM)
            self._kept[flags, keywords] = given
        return given

    def _acknowledged(self, appended: Appended, batch: _Batch) -> None:
        self._refusals = 0
        self.refusing, self.doubted = "", []
        if appended.uidvalidity != self._into.mark.uidvalidity or len(
            appended.uids
        ) != len(batch.messages):
            self._outcome.unproven([one.row.uid for one in batch.messages])
            return
        self._outcome.copied(
            [
                _copied(message, uid)
                for message, uid in zip(batch.messages, appended.uids, strict=True)
            ]
        )
        for message in batch.messages:
            if not message.date:
                self._outcome.undated(message.row.uid)
            if message.octets < message.size:
                self._outcome.short(message.row.uid, message.octets, message.size)

    def _refused(self, failure: Failure, batch: _Batch) -> None:
        uids = [message.row.uid for message in batch.messages]
        if failure.check(Lost) and (not self.suspects or batch.appending.misread):
            self.suspects = uids
            if batch.appending.misread:
                self._outcome.misread(self.suspects, str(failure.value))
        failure.trap(Refused)
        reason = str(failure.value)
        code = getattr(failure.value, "responseCode", "")
        if getattr(failure.value, "delayed", False):
            self.halve(uids, batch.manner, whole=True)
            return
        if code in _BUSY:
            raise MailboxError(reason, responseCode=code)
        self.refusing, self.doubted = reason, _culprits(batch, code)
        if len(uids) > 1:
            self.halve(uids, batch.manner)
            return
        manner = self._next(batch)
        full = isFull(code, getattr(failure.value, "text", ""))
        if manner is not None and code not in _FINAL and not full:
            self.again.append((UidSet.of(uids), manner))
            return
        self.doubted = []
        if full:
            self._outcome.full(uids[0], reason, code)
        else:
            self._outcome.refused(uids[0], reason, code)
        self._refusals += 1
        if self._refusals >= REFUSALS:
            raise MailboxError(f"message after message is refused: {reason}")

    def _next(self, batch: _Batch) -> int | None:
        """
        In which manner to try a single message next, if in any.
        """
        [message] = batch.messages
        heads = [self._head(message.row, number) for number in range(len(_MANNERS))]
        tried = heads[: batch.manner + 1]
        return next((n for n, head in enumerate(heads) if head not in tried), None)

    def _answered(self, _: object, done: Deferred[None], batch: _Batch) -> None:
        self.outstanding.discard(done)
        self.unacknowledged -= batch.octets + len(batch.messages) * _KNOWLEDGE
        self._settled()


def _culprits(batch: _Batch, code: str) -> list[int]:
    """
    Of messages that were refused together, those of which one may be why.
    """
    most = max((message.octets for message in batch.messages), default=0)
    return [
        message.row.uid
        for message in batch.messages
        if code != "TOOBIG" or 2 * message.octets > most
    ]


def _copied(message: Message, uid: int) -> Copied:
    row, size = message.row, message.size
    flags = row.flags or frozenset()
    known = stamp(size, row.date, message.messageId)
    given, date = message.flags, message.date
    return Copied(row.uid, uid, flags, given, message.key, size, known, date)
