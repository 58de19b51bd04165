"""
The commands that a L{imapsync.imap.client.SyncClient} sends: how each is
written, which untagged responses are its own, and what it results in.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import Generic, NamedTuple, Protocol, TypeVar

from twisted.internet.defer import Deferred

from imapsync.errors import ProtocolViolation, Refused
from imapsync.imap.wire.arguments import Word, mailboxWord
from imapsync.imap.wire.reading import bounded, parseFlags
from imapsync.imap.wire.responses import Condition, Enabled, Exists, Response, Row
from imapsync.model import Flags, Mark
from imapsync.uidset import MAXIMUM, UidSet

T = TypeVar("T")

_NOWHERE = Mark(0, 0, 0)

#: What Dovecot appends to what it says: when that was, and how long it took.
_MOMENT = re.compile(r"( \[[0-9-]{10} [0-9:]{8}\])?( \([0-9. +]+ secs\)\.?)?$")


class Command(Generic[T]):
    """
    One command, from the moment it is asked for until its tagged response.

    @ivar alone: whether no other command may be in flight at the same time.
    @ivar follows: whether APPENDs may be, though, that were sent before.
    @ivar leads: whether other commands may be sent behind it, though.
    @ivar secret: whether its arguments stay out of the log.
    @ivar hears: whether untagged responses may be its own.
    @ivar done: fires with the command's result, or fails with L{Refused}.
    """

    alone = False
    follows = False
    leads = False
    secret = False
    hears = False
    tag = ""

    def __init__(self, name: str, *words: Word) -> None:
        """
        @raise ValueError: if a word would end the command.
        """
        for word in words:
            if isinstance(word, bytes) and (b"\r" in word or b"\n" in word):
                raise ValueError(f"a line break in {name}: {word!r}")
        self.name = name
        self.words = words
        self.done: Deferred[T] = Deferred()

    def claim(self, response: Response) -> bool:
        """
        Take an untagged response, if it belongs to this command.
        """
        return False

    def continued(self, text: bytes) -> bytes:
        """
        The line that answers a continuation.
        """
        raise ProtocolViolation(f"asked to go on with {self.name}, which is complete")

    def finished(self, condition: Condition) -> None:
        """
        The tagged response came.
        """
        if condition.status != "OK":
            self.done.errback(refusal(self.name, condition))
            return
        try:
            result = self.result(condition)
        except (ValueError, ProtocolViolation) as error:
            violation = ProtocolViolation(f"{self.name}: {error}")
            self.done.errback(violation)
            raise violation from error
        self.done.callback(result)

    def fail(self, error: Exception) -> None:
        """
        There will be no tagged response.
        """
        if not self.done.called:
            self.done.errback(error)

    def result(self, condition: Condition) -> T:
        """
        What the command results in, once it is done.
        """
        raise NotImplementedError


def refusal(name: str, condition: Condition) -> Refused:
    """
    The error that a tagged NO or BAD means.  The same refusal has the same text,
    whenever it comes.
    """
    text = _MOMENT.sub("", condition.text)
    return Refused(name, condition.status, condition.code, text)


class Plain(Command[Condition]):
    """
    A command of which only success matters.
    """

    def result(self, condition: Condition) -> Condition:
        return condition


class Alone(Plain):
    """
    The same, for commands that bear no other beside them.
    """

    alone = True


class Login(Alone):
    """
    The LOGIN command.
    """

    secret = True


class Exchange(Protocol):
    """
    The client's half of a SASL mechanism (RFC 4422).

    @ivar initial: the initial response; C{None} if the server begins.
    """

    @property
    def initial(self) -> bytes | None: ...

    def respond(self, challenge: bytes) -> bytes:
        """
        The answer to a challenge.
        """


class Authenticate(Alone):
    """
    AUTHENTICATE, with the initial response where the server takes one
    (RFC 4959).
    """

    secret = True

    def __init__(self, mechanism: str, exchange: Exchange, initial: bool) -> None:
        super().__init__("AUTHENTICATE", mechanism.encode("ascii"))
        self._exchange = exchange
        self._initial = exchange.initial
        if initial and self._initial is not None:
            self.words += (base64.b64encode(self._initial) or b"=",)
            self._initial = None

    def continued(self, text: bytes) -> bytes:
        if self._initial is not None and not text.strip():
            answer, self._initial = self._initial, None
        else:
            self._initial = None
            answer = self._exchange.respond(_decoded(text))
        return base64.b64encode(answer)


def _decoded(challenge: bytes) -> bytes:
    try:
        return base64.b64decode(challenge, validate=True)
    except ValueError as error:
        raise ProtocolViolation(f"a challenge that is no base 64: {error}") from error


class Enable(Command[frozenset[str]]):
    """
    ENABLE (RFC 5161): results in what is enabled now.

    Commands whose answers do not depend on it may go with it (RFC 9051, 5.5).
    """

    alone = hears = leads = True

    def __init__(self, *names: str) -> None:
        super().__init__("ENABLE", *(name.encode("ascii") for name in names))
        self._enabled: frozenset[str] = frozenset()

    def claim(self, response: Response) -> bool:
        if isinstance(response, Enabled):
            self._enabled |= response.names
            return True
        return False

    def result(self, condition: Condition) -> frozenset[str]:
        return self._enabled


class Selected(NamedTuple):
    """
    A mailbox that is selected now.

    @ivar permanentFlags: the flags that a STORE can keep; C{None} if all.
    @ivar mark: its state when it was selected; a C{modseq} of 0 means that
        the server keeps no mod-sequences for it.
    @ivar persistent: whether its UIDs outlive the session (RFC 4315, 3).
    @ivar identity: MAILBOXID (RFC 8474), or empty.
    """

    name: str
    mark: Mark = _NOWHERE
    exists: int = 0
    readOnly: bool = False
    permanentFlags: Flags | None = None
    persistent: bool = True
    identity: str = ""

    def keeps(self, flag: str) -> bool:
        """
        Whether C{flag} can be stored here.
        """
        if self.readOnly:
            return False
        kept = self.permanentFlags
        if kept is None:
            return True
        if "\\*" in kept and not flag.startswith("\\"):
            return True
        return flag.lower() in {known.lower() for known in kept}


class MailboxListener(Protocol):
    """
    Hears what the server tells of the selected mailbox, in order of arrival.
    """

    def rowsReceived(self, rows: list[Row]) -> None:
        """
        Flags and mod-sequences of messages.
        """

    def vanished(self, uids: UidSet, earlier: bool) -> None:
        """
        Messages that are gone; C{earlier}: since the mark (RFC 7162, 3.2.10).
        """

    def existsReceived(self, messages: int) -> None:
        """
        How many messages there are now.
        """

    def modseqReceived(self, modseq: int) -> None:
        """
        The answer to a command tells how far the mailbox has come (RFC 7162, 3.2.7
        and 3.2.9): others may have brought it there as well.
        """


class Heard:
    """
    Hears flags, and nothing else.
    """

    def __init__(self) -> None:
        self.flags: dict[int, Flags] = {}

    def rowsReceived(self, rows: list[Row]) -> None:
        self.flags.update((row.uid, row.flags) for row in rows if row.flags is not None)

    def vanished(self, uids: UidSet, earlier: bool) -> None:
        """
        What is gone is no concern of ours.
        """

    def existsReceived(self, messages: int) -> None:
        """
        Nor is what is new.
        """

    def modseqReceived(self, modseq: int) -> None:
        """
        Nor is that.
        """


class Select(Command[Selected]):
    """
    SELECT or EXAMINE, with QRESYNC where a mark is known (RFC 7162, 3.2.5).

    @ivar mailbox: which.
    @ivar writable: whether it is SELECT.
    @ivar listener: hears of the mailbox for as long as it is selected.
    """

    alone = hears = follows = True

    def __init__(
        self, name: str, mark: Mark | None, listener: MailboxListener, writable: bool
    ) -> None:
        self.mailbox = name
        self.writable = writable
        self.listener = listener
        words: list[Word] = [mailboxWord(name)]
        if mark is not None and mark.modseq:
            words.append(b"(QRESYNC (%d %d))" % (mark.uidvalidity, mark.modseq))
        super().__init__("SELECT" if writable else "EXAMINE", *words)
        self.closed()

    def closed(self) -> None:
        """
        What was told up to now was about the mailbox before.
        """
        self._selected = Selected(self.mailbox, readOnly=not self.writable)

    def claim(self, response: Response) -> bool:
        if isinstance(response, Exists):
            self._selected = self._selected._replace(exists=response.messages)
            return True
        if isinstance(response, Condition) and response.status in ("OK", "NO"):
            # UIDNOTSTICKY comes with an untagged NO (RFC 4315, 3).
            return self._code(response.code, response.arguments)
        return False

    def _code(self, code: str, arguments: bytes) -> bool:
        now = self._selected
        mark = now.mark
        if code == "UIDVALIDITY":
            mark = mark._replace(uidvalidity=bounded(arguments, MAXIMUM))
        elif code == "UIDNEXT":
            mark = mark._replace(uidnext=bounded(arguments, MAXIMUM + 1))
        elif code == "HIGHESTMODSEQ":
            mark = mark._replace(modseq=bounded(arguments))
        elif code == "PERMANENTFLAGS":
            now = now._replace(permanentFlags=parseFlags(arguments.strip(b"()")))
        elif code == "UIDNOTSTICKY":
            now = now._replace(persistent=False)
        elif code == "MAILBOXID":
            identity = arguments.strip(b"()").decode("ascii", "replace")
            now = now._replace(identity=identity)
        elif code != "NOMODSEQ":
            return False
        self._selected = now._replace(mark=mark)
        return True

    def result(self, condition: Condition) -> Selected:
        if condition.code == "READ-ONLY":
            return self._selected._replace(readOnly=True)
        return self._selected


class BodyReceiver(Protocol):
    """
    Takes message bodies as they arrive.
    """

    def bodyBegan(self, row: Row, size: int) -> None:
        """
        A body of C{size} octets follows; C{row} has what came before it.
        """

    def bodyReceived(self, piece: bytes) -> None:
        """
        Octets of it.
        """

    def bodyEnded(self, row: Row) -> None:
        """
        It is complete; C{row} has all of its attributes.
        """

    def messagesReceived(self, messages: list[tuple[Row, bytes]]) -> None:
        """
        Bodies that came whole.
        """
        for row, octets in messages:
            self.bodyBegan(row, len(octets))
            self.bodyReceived(octets)
            self.bodyEnded(row)


class Fetch(Plain):
    """
    UID FETCH.

    @ivar bodies: where message bodies go.
    @ivar rows: called with the rows of the messages asked for which have a
        size, when sizes were asked for.
    """

    def __init__(
        self,
        asked: str,
        items: str,
        bodies: BodyReceiver | None = None,
        rows: Callable[[list[Row]], None] | None = None,
    ) -> None:
        super().__init__("UID FETCH", asked.encode("ascii"), items.encode("ascii"))
        self.bodies = bodies
        self.rows = rows
        self.hears = bodies is not None or rows is not None
        self._uids = UidSet.parse(asked) if self.hears else UidSet()

    def wants(self, uid: int) -> bool:
        """
        Whether this message was asked for; one without a UID yet may be.
        """
        return not uid or uid in self._uids

    def sorted(
        self, messages: list[tuple[Row, bytes]]
    ) -> tuple[list[tuple[Row, bytes]], list[tuple[Row, bytes]]]:
        """
        The messages that were asked for, and the others.
        """
        uids = [row.uid for row, _ in messages]
        if uids and self._uids.covers(min(uids), max(uids)):
            return messages, []
        wanted = [self.wants(uid) for uid in uids]
        return (
            [one for one, theirs in zip(messages, wanted, strict=True) if theirs],
            [one for one, theirs in zip(messages, wanted, strict=True) if not theirs],
        )
