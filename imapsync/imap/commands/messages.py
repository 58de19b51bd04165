"""
The commands about messages of the selected mailbox: FETCH, SEARCH, STORE, EXPUNGE,
and COPY or MOVE.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import NamedTuple, Protocol

from imapsync.errors import ProtocolViolation
from imapsync.imap.commands.base import Command
from imapsync.imap.commands.limited import Limited
from imapsync.imap.wire.arguments import Word, mailboxWord
from imapsync.imap.wire.conditions import unrolled
from imapsync.imap.wire.reading import bounded
from imapsync.imap.wire.responses import (
    Condition,
    Expunged,
    Found,
    FoundText,
    Response,
    Row,
    Vanished,
)
from imapsync.model import Octets
from imapsync.uidset import MAXIMUM, UidSet


class BodyReceiver(Protocol):
    """
    Takes message bodies as they arrive.
    """

    def bodyBegan(self, row: Row, size: int) -> None:
        """
        A body of C{size} octets follows; C{row} has what came before it.
        """

    def bodyReceived(self, piece: Octets) -> None:
        """
        Octets of it.
        """

    def bodyEnded(self, row: Row) -> None:
        """
        It is complete; C{row} has all of its attributes.
        """

    def messagesReceived(self, messages: list[tuple[Row, Octets]]) -> None:
        """
        Bodies that came whole.
        """
        for row, octets in messages:
            self.bodyBegan(row, len(octets))
            self.bodyReceived(octets)
            self.bodyEnded(row)


class Change(Limited[Condition]):
    """
    UID STORE or UID EXPUNGE: only success matters.
    """

    def __init__(self, name: str, asked: str, *words: Word) -> None:
        super().__init__(name, asked, asked.encode("ascii"), *words)

    def result(self, condition: Condition) -> Condition:
        return condition


class Fetch(Change):
    """
    UID FETCH.

    @ivar bodies: where message bodies go.
    @ivar rows: called with the rows of the messages asked for which have a size
        or a date, when that was asked for.
    """

    concerns = frozenset(("FETCH",))

    def __init__(
        self,
        asked: str,
        items: str,
        bodies: BodyReceiver | None = None,
        rows: Callable[[list[Row]], None] | None = None,
    ) -> None:
        super().__init__("UID FETCH", asked, items.encode("ascii"))
        self.bodies = bodies
        self.rows = rows
        wanting = bodies is not None or rows is not None
        self._uids = self.asked if wanting else UidSet()
        self.restart()

    @property
    def repeatable(self) -> bool:
        """
        Not where messages came: who asked for them knows which are left.
        """
        return self.bodies is None

    def restart(self) -> None:
        super().restart()
        # Messages that may still come, were they told twice.
        self._left = 2 * len(self._uids)

    def wants(self, uid: int) -> bool:
        """
        Whether this message was asked for; one without a UID yet may be.
        """
        return not uid or uid in self._uids

    def begin(self, messages: int = 1) -> None:
        """
        Bodies of so many come.

        @raise ProtocolViolation: more than were asked for.
        """
        self._left -= messages
        if self._left < 0:
            raise ProtocolViolation(f"{self.name}: more messages than were asked for")

    def sorted(
        self, messages: list[tuple[Row, Octets]]
    ) -> tuple[list[tuple[Row, Octets]], list[tuple[Row, Octets]]]:
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


class Along(Fetch):
    """
    UID FETCH of the flags of all messages from a UID on, right behind the SELECT of
    their mailbox: the next one may be selected before it is answered.
    """

    yields = True
    repeatable = False

    def __init__(self, first: int, items: str = "(FLAGS)") -> None:
        super().__init__(f"{first}:*", items)


class Since(Along):
    """
    The same, of the messages that have changed since a mod-sequence, or are new (RFC
    7162, 3.1.4.1).
    """

    def __init__(self, modseq: int) -> None:
        super().__init__(1, f"(FLAGS) (CHANGEDSINCE {modseq})")


class Expunge(Command[int]):
    """
    EXPUNGE of all that is marked C{\\Deleted}: how many messages went.
    """

    hears = True

    def __init__(self) -> None:
        super().__init__("EXPUNGE")
        self._went = 0

    def claim(self, response: Response) -> bool:
        if isinstance(response, Expunged):
            self._went += 1
        elif isinstance(response, Vanished) and not response.earlier:
            self._went += len(response.uids)
        return False

    def result(self, condition: Condition) -> int:
        return self._went


class Search(Limited[UidSet | None]):
    """
    UID SEARCH for those of some UIDs that exist, or fulfil C{criteria} as well.  Its
    result is C{None} where the server says only that it has done so: that must not be
    read as, there is none.
    """

    concerns = frozenset(("SEARCH", "ESEARCH"))

    def __init__(self, uids: str, extended: bool, *criteria: bytes) -> None:
        words: list[Word] = [b"UID", uids.encode("ascii"), *criteria]
        if extended:
            words.insert(0, b"RETURN (ALL)")
        super().__init__("UID SEARCH", uids, *words)
        # A SEARCH response does not tell which command it answers.
        self.alone = not extended
        self._found: UidSet | None = None

    def claim(self, response: Response) -> bool:
        if isinstance(response, FoundText) and response.tag == self.tag:
            try:
                response = response.found
            except ValueError as error:
                self.garbled = str(error)
                return True
        if isinstance(response, Found) and response.tag in ("", self.tag):
            # The rest is not what was asked for, and might be without end.
            self._found = (self._found or UidSet()) | (response.uids & self.asked)
            return True
        return super().claim(response)

    def result(self, condition: Condition) -> UidSet | None:
        return self._found


class Where(Command[None]):
    """
    UID SEARCH (RFC 4731) for those of all messages of a mailbox that fulfil a
    criterion, behind the SELECT of it: the next one may be selected before this is
    answered.

    @ivar text: a set of UIDs, as it was sent; C{None} where the server says only that
        it has searched.
    """

    hears = yields = True
    repeatable = False
    concerns = frozenset(("SEARCH", "ESEARCH"))

    def __init__(self, criterion: bytes) -> None:
        super().__init__("UID SEARCH", b"RETURN (ALL)", criterion)
        self.text: bytes | None = None

    def claim(self, response: Response) -> bool:
        if isinstance(response, FoundText) and response.tag == self.tag:
            self.garbled = self.garbled or "twice" * (self.text is not None)
            self.text = response.text
            return True
        return False

    def result(self, condition: Condition) -> None:
        if condition.code == "MESSAGELIMIT":  # these are not all (RFC 9738)
            self.text = None

    @property
    def found(self) -> UidSet | None:
        """
        What it means, if it does.
        """
        try:
            return None if self.text is None else FoundText("", self.text).found.uids
        except ValueError:
            return None


class Transferred(NamedTuple):
    """
    What COPYUID tells (RFC 4315, 3).

    @ivar uids: the new UID of each message, by its old one; empty if the
        server did not tell.
    """

    uidvalidity: int
    uids: Mapping[int, int]


class Transfer(Limited[Transferred]):
    """
    UID COPY or UID MOVE (RFC 6851).
    """

    def __init__(self, verb: str, uids: str, mailbox: str) -> None:
        words = uids.encode("ascii"), mailboxWord(mailbox)
        super().__init__(f"UID {verb}", uids, *words)
        self._told = Transferred(0, {})

    @property
    def left(self) -> UidSet:
        """
        COPYUID, where it is told, tells best what was done.
        """
        return super().left - UidSet.of(self._told.uids)

    def claim(self, response: Response) -> bool:
        # MOVE has it in an untagged response, ahead of the expunges.
        told = isinstance(response, Condition) and self._tell(response)
        return told or super().claim(response)

    def result(self, condition: Condition) -> Transferred:
        self._tell(condition)
        limit = self.limit
        if limit is not None and not (limit.lowest or self._told.uids):
            # Repeated, some would be there twice.
            raise ValueError("OK to some messages, but not to which (MESSAGELIMIT)")
        return self._told

    def _tell(self, condition: Condition) -> bool:
        if condition.code != "COPYUID":
            return False
        # What makes no sense is as good as untold.
        with suppress(ValueError, ProtocolViolation):
            uidvalidity, *sets = condition.arguments.split(b" ")
            old, new = (unrolled(uids, len(self.asked)) for uids in sets)
            pairs = dict(zip(old, new, strict=True))
            self._told = Transferred(bounded(uidvalidity, MAXIMUM), pairs)
        return True
