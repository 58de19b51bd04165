"""
APPEND as a stream: many messages in one command (RFC 3502), written as they
come, never held.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, Protocol

from imapsync.errors import ImapSyncError, Misread, ProtocolViolation, Refused
from imapsync.imap.commands.base import Command, refusal
from imapsync.imap.commands.limited import Limit, limitOf
from imapsync.imap.wire.arguments import (
    USUAL,
    dateKind,
    dateTime,
    flagList,
    mailboxWord,
)
from imapsync.imap.wire.conditions import unrolled
from imapsync.imap.wire.reading import bounded
from imapsync.imap.wire.responses import Condition, Response
from imapsync.model import Flags, Octets
from imapsync.uidset import MAXIMUM

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred

#: What a server may object to in front of a message: flags, and the kind of a date.
Words = frozenset[str]

#: Octets that are collected before they are written at once.
_CHUNK = 64 * 1024


class Appended(NamedTuple):
    """
    What APPENDUID tells (RFC 4315, 3).

    @ivar uids: in the order in which the messages were written; empty if the
        server did not tell.
    """

    uidvalidity: int
    uids: tuple[int, ...]


#: The flags that every server knows (RFC 9051, 2.3.2).
SYSTEM = frozenset(("\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft"))


class Head(NamedTuple):
    """
    What is in front of a message.

    @ivar date: an INTERNALDATE as a server sent it; empty if none is sent.
    @ivar octets: as it is sent.
    @ivar words: what of it a server might not understand.
    @ivar usual: whether every server takes its date, if there is one.
    """

    flags: Flags
    date: str
    octets: bytes
    words: Words
    usual: bool = True


#: Neither flags nor a date.
BARE = Head(frozenset(), "", b"()", frozenset())


def headOf(flags: Flags, date: str) -> Head:
    """
    Flags and an INTERNALDATE as a server sent it; what is no date is not sent.
    """
    kind = dateKind(date)
    front, words = _front(flags, kind)
    if not kind:
        return Head(flags, "", front, words)
    octets = b"%b %b" % (front, dateTime(date))
    return Head(flags, date, octets, words, kind == USUAL)


@lru_cache(maxsize=4096)
def _front(flags: Flags, kind: str) -> tuple[bytes, Words]:
    """
    A list of flags, and the words in front of a message that has a date of this
    kind: servers repeat few combinations of them.
    """
    words = flags - SYSTEM
    return flagList(flags), words | {f"date {kind}"} if kind else words


class Outlet(Protocol):
    """
    The connection that a command is written to.
    """

    name: str

    def asksLeave(self, size: int, words: Words) -> bool:
        """
        Whether the server's leave must be awaited for a literal of C{size} octets
        behind C{words}.
        """

    def accepted(self, words: Words) -> None:
        """
        The server has let a literal follow these.
        """

    def awaited(self) -> Deferred[None]:
        """
        Something to wait for.
        """

    def abort(self, error: ImapSyncError) -> None:
        """
        Drop the connection.
        """

    def send(self, pieces: Sequence[Octets]) -> None:
        """
        Write octets, one piece behind the other.
        """

    def show(self, data: bytes) -> None:
        """
        Have a trace show what is sent.
        """

    def written(self, command: Appending) -> None:
        """
        C{command} is complete; others may follow.
        """


class Appending(Command[Appended]):
    """
    One APPEND command that is being written.

    @ivar done: fires when the server has committed the messages.  Whoever
        writes them sees to it, even if a leave failed already.
    A server that takes it for no command at all may take the octets of a message
    for commands instead, if they come without its leave (Dovecot does).  So leave is
    asked behind words that it has not accepted before; and if it happens even so,
    the connection is dropped.

    @ivar refusal: set once the server has refused it; what remains of the
        present message must be written all the same.
    @ivar misread: whether its messages may have been taken for commands.
    @ivar limit: set if the server says how many messages it takes at a time.
    """

    hears = yields = True
    done: Deferred[Appended]

    def __init__(self, mailbox: str, outlet: Outlet) -> None:
        super().__init__("APPEND", mailboxWord(mailbox))
        self.refusal: Refused | None = None
        self.limit: Limit | None = None
        self._outlet = outlet
        self._messages = 0
        self._begun = False
        self._over = False  # nothing more can be written
        self._leave: Deferred[None] | None = None
        self._words: Words = frozenset()
        self.misread = False
        self._unasked = False  # whether any octets went without leave
        self._held: list[Octets] = []
        self._heldLength = 0

    def started(self, head: bytes) -> None:
        """
        The command is next on its connection, and begins with C{head}.
        """
        self._begun = True
        self._held.insert(0, head)
        if self._over:
            self._end()
        elif self._leave is not None:
            self._flush()

    def message(
        self,
        head: Head,
        size: int,
        asked: bool | None = None,
    ) -> Deferred[None] | None:
        """
        Begin a message of C{size} octets.

        @param asked: whether to ask leave; by default, where that must be.
        @return: C{None} if its octets may follow at once; else they must wait
            until this fires.  It fails with L{Refused} if the server refuses.
        """
        if self.refusal is not None:
            self.finish()
        if self._over:
            return None
        if asked is None:
            asked = self._outlet.asksLeave(size, head.words)
        self._words = head.words
        marker = b" %s {%d}\r\n" if asked else b" %s {%d+}\r\n"
        front = marker % (head.octets, size)
        self._outlet.show(front)
        self._messages += 1
        self._held.append(front)
        self._heldLength += len(front)
        if not asked:
            self._unasked = self._unasked or size > 0
            return None
        self._leave = leave = self._outlet.awaited()
        if self._begun:
            self._flush()
        return leave

    def whole(self, messages: Iterable[tuple[Head, Octets]]) -> None:
        """
        Messages that are here with all of their octets, and need not wait for leave.
        """
        if self.refusal is not None:
            self.finish()
        if self._over:
            return
        for head, octets in messages:
            front = b" %s {%d+}\r\n" % (head.octets, len(octets))
            self._outlet.show(front)
            self._messages += 1
            self._unasked = self._unasked or len(octets) > 0
            self._held += front, octets
            self._heldLength += len(front) + len(octets)
            if self._heldLength >= _CHUNK and self._begun:
                self._flush()

    def write(self, data: Octets) -> None:
        """
        Octets of the present message.
        """
        if self._over:
            return
        self._held.append(data)
        self._heldLength += len(data)
        if self._heldLength >= _CHUNK and self._begun:
            self._flush()

    def finish(self) -> Deferred[Appended]:
        """
        The last message is complete: let the server commit.
        """
        if not self._over:
            self.write(b"\r\n")
            self._over = True
            if self._begun:
                self._end()
        return self.done

    def proceed(self) -> None:
        """
        The server gave its leave for a literal.
        """
        leave, self._leave = self._leave, None
        if leave is not None:
            self._outlet.accepted(self._words)
            leave.callback(None)

    @property
    def mayHaveStored(self) -> bool:
        """
        Whether the server got any of the messages, in full or not: it may have them,
        though it refused them.
        """
        return self._messages > 0

    def claim(self, response: Response) -> bool:
        """
        A server may take only a part of the messages (RFC 9738).
        """
        if isinstance(response, Condition) and response.code == "MESSAGELIMIT":
            self.limit = limitOf(response)
        return False

    def finished(self, condition: Condition) -> None:
        """
        The server answered, perhaps before the command was complete.
        """
        self.claim(condition)
        if condition.status == "BAD" and self._unasked:
            self.misread = True
            told = refusal(self.name, condition)
            self._outlet.abort(Misread(f"{self._outlet.name}: {told}"))
            return
        if condition.status != "OK":
            self.refusal = refusal(self.name, condition)
            if self._leave is not None:
                # Instead of a leave: nothing more belongs to the command.
                self._messages -= 1
                self._over = True
                self._outlet.written(self)
                self._endWait(self.refusal)
        super().finished(condition)

    def fail(self, error: Exception) -> None:
        """
        The connection is gone.
        """
        self._over = True
        self._held.clear()
        self._endWait(error)
        super().fail(error)

    def result(self, condition: Condition) -> Appended:
        """
        Without the UID of every message, that of none is certain.
        """
        if not self._over:
            raise ProtocolViolation("said to be done before it was complete")
        if condition.code != "APPENDUID":
            return Appended(0, ())
        try:
            uidvalidity, uids = condition.arguments.split(b" ")
            each = unrolled(uids, self._messages)
            known = len(each) == self._messages
            return Appended(bounded(uidvalidity, MAXIMUM), each if known else ())
        except (ValueError, ProtocolViolation):
            # The messages are there; they will be recognised.
            return Appended(0, ())

    def _endWait(self, error: Exception) -> None:
        leave, self._leave = self._leave, None
        if leave is not None:
            leave.errback(error)

    def _end(self) -> None:
        self._flush()
        self._outlet.written(self)

    def _flush(self) -> None:
        held, self._held, self._heldLength = self._held, [], 0
        self._outlet.send(held)
