"""
How much a server may tell until an answer comes to its end: L{Allowance}.
"""

from __future__ import annotations

from itertools import pairwise

from imapsync.errors import ProtocolViolation
from imapsync.imap.wire.responses import Row
from imapsync.uidset import UidSet, UidSetBuilder

#: A server may be so many messages behind with EXISTS.
_SLACK = 1000
#: What changes all the time may be told so often.
_AGAIN = 1000
#: So many ranges of UIDs are more than any mailbox has.
RANGES = 2_000_000
#: So many responses are more than any account has reason for: LIST and STATUS of a
#: million mailboxes are half of it.
RESPONSES = 4_000_000


class Allowance:
    """
    Counts what a server tells: a command, and the memory of whoever listens, must
    not depend on when it is pleased to stop.

    What is told of the selected mailbox fits the number of messages that there can
    be: those that EXISTS told and those that came since.  What is told again takes
    no memory, and so counts but once.

    Each tagged response begins a new answer.

    @param ranges: see L{RANGES}.
    @param responses: see L{RESPONSES}.
    """

    def __init__(self, ranges: int = RANGES, responses: int = RESPONSES) -> None:
        self._mostRanges = ranges
        self._mostResponses = responses
        self._exists: int | None = None
        self.answered()

    def answered(self) -> None:
        """
        An answer has come to its end.
        """
        self._responses = self._ranges = self._rows = 0
        self._next = 0  # the UID that would go on with the last range
        self._messages = self._exists  # that can be told of now
        self._uids: UidSetBuilder | None = None  # once there were that many rows
        self._unchecked = 0  # rows since their messages were counted

    def selected(self) -> None:
        """
        What follows is about another mailbox.
        """
        self._exists = None
        self.answered()

    def response(self, responses: int = 1) -> None:
        """
        Responses came that have no measure of their own.

        @raise ProtocolViolation: that is too much, as for all others.
        """
        self._responses += responses
        if self._responses > self._mostResponses:
            raise ProtocolViolation(
                f"more than {self._mostResponses} responses to one command"
            )

    def exists(self, messages: int) -> None:
        """
        There are C{messages} now.
        """
        before, self._exists = self._exists, messages
        came = messages if before is None else max(0, messages - before)
        self._messages = (self._messages or 0) + came

    def vanished(self, uids: UidSet, earlier: bool) -> None:
        """
        Messages are gone.
        """
        self._add(len(uids.ranges))
        if self._exists is not None and not earlier:
            self._exists = max(0, self._exists - len(uids))

    def expunged(self) -> None:
        """
        One is.

        @raise ProtocolViolation: there is none left.
        """
        if self._exists is None:
            self.response()
            return
        if not self._exists:
            raise ProtocolViolation("EXPUNGE of more messages than there are")
        self._exists -= 1

    def rows(self, rows: list[Row]) -> None:
        """
        Messages were told of.
        """
        uids = [row.uid for row in rows]
        first = uids[0]
        ranges = int(first != self._next)
        if uids != list(range(first, first + len(uids))):
            ranges += sum(b != a + 1 for a, b in pairwise(uids))
        self._next = uids[-1] + 1
        self._add(ranges)
        self._rows += len(rows)
        if self._messages is None:
            self.response(len(rows))
        else:
            self._fit(uids, self._messages + _SLACK)

    def _add(self, ranges: int) -> None:
        self._ranges += ranges
        if self._ranges > self._mostRanges:
            raise ProtocolViolation(
                f"more than {self._mostRanges} ranges of UIDs in one answer"
            )

    def _fit(self, uids: list[int], most: int) -> None:
        """
        Not more than C{most} messages can have been told of.
        """
        if self._rows > _AGAIN * most:
            raise ProtocolViolation(
                f"tells of its {self._messages} messages again and again"
            )
        if self._rows <= most:
            return
        if self._uids is None:
            self._uids = UidSetBuilder()
        self._uids.update(UidSet.of(uids))
        self._unchecked += len(uids)
        if self._unchecked > most:
            self._count(most)

    def _count(self, most: int) -> None:
        told = self._uids.build() if self._uids else UidSet()
        if len(told) > most:
            raise ProtocolViolation(
                f"tells of more messages than there are: EXISTS is {self._exists}"
            )
        self._uids = UidSetBuilder()
        self._uids.update(told)
        # Not to be counted at each row.
        self._unchecked = min(len(told), most // 2)
