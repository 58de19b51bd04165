"""
How far the work on an account has come: L{Course}.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal, NamedTuple, Protocol

from imapsync.model import Name, Side

#: What is being done with a mailbox.
Doing = Literal["looking at", "comparing", "copying"]


class Flow(NamedTuple):
    """
    Messages of one direction.

    @ivar messages: how many are done with, or sent at least.
    @ivar octets: those of them.
    @ivar left: how many are still to come, as far as is known.
    """

    messages: int = 0
    octets: int = 0
    left: int = 0


class Sent(Protocol):
    """
    What was sent, whatever became of it.

    @ivar messages: how many.
    @ivar octets: of them.
    """

    messages: int
    octets: int


class _UnderWay:
    """
    Messages that are copied just now.

    @ivar messages: how many of what was sent are done with.
    @ivar octets: of them.
    """

    def __init__(self, sent: Sent) -> None:
        self._sent = sent
        self.messages = 0
        self.octets = 0

    def flow(self, left: int) -> Flow:
        """
        What was sent, and is not done with.

        @param left: how much that is at the most: what is refused may be sent again.
        """
        messages = self._sent.messages - self.messages
        if not 0 < messages <= left:
            return Flow(max(0, min(messages, left)))
        return Flow(messages, max(0, self._sent.octets - self.octets))


class Course:
    """
    Of one run.  Who plans or does something says so here.

    What it costs does not depend on whether anybody wants to know.

    @ivar going: the mailboxes that are worked on just now.
    @ivar reading: whether messages are only read; then a direction is the side from
        which they come, else that to which they go.
    """

    def __init__(self) -> None:
        self.going: dict[Name, Doing] = {}
        self.reading = False
        self._left: dict[tuple[Name, Side], int] = {}
        self._sent: dict[tuple[Name, Side], _UnderWay] = {}
        self._vague: set[Name] = set()
        self._ahead: set[Name] = set()
        self._over: set[Name] = set()
        self._messages = dict.fromkeys(Side, 0)
        self._octets = dict.fromkeys(Side, 0)

    # What is planned

    def plans(
        self,
        mailboxes: Mapping[Name, Mapping[Side, int]],
        barred: Collection[Side] = (),
    ) -> None:
        """
        These mailboxes are to be worked on, and no others that were planned before.

        @param mailboxes: about how many messages of each side are to be copied, or
            read.
        @param barred: where nothing goes.
        """
        self.going.clear()
        self._ahead = {*mailboxes}
        self._over -= self._ahead
        self._left = {
            (name, side if self.reading else side.other): count
            for name, counts in mailboxes.items()
            for side, count in counts.items()
            if self.reading or side.other not in barred
        }
        # Of what is new on both sides, some may be equal: that is not copied.
        self._vague = {
            name
            for name, counts in mailboxes.items()
            if not self.reading and all(map(counts.get, Side))
        }

    def begins(self, name: Name, doing: Doing = "looking at") -> None:
        """
        That is done with a mailbox from now on.
        """
        self.going[name] = doing

    def copies(self, name: Name, counts: Mapping[Side, int]) -> None:
        """
        So many messages of a mailbox are to go to each side, or to be read there: that
        is certain now.
        """
        self._vague.discard(name)
        for side, count in counts.items():
            self._left[name, side] = count
        if any(counts.values()) and not self.reading:
            self.begins(name, "copying")

    # What is done

    def sends(self, name: Name, side: Side, sent: Sent) -> None:
        """
        Messages are about to be copied to C{side}.

        @param sent: counts what is sent, until L{sent} is called.
        """
        self._sent[name, side] = _UnderWay(sent)

    def sent(self, name: Name, side: Side) -> None:
        """
        All that was sent is done with, or never will be.
        """
        self._sent.pop((name, side), None)

    def did(self, name: Name, side: Side, count: int, octets: int) -> None:
        """
        So many messages of a mailbox are done with.
        """
        self._messages[side] += count
        self._octets[side] += octets
        if left := self._left.get((name, side)):
            self._left[name, side] = max(0, left - count)
        if sent := self._sent.get((name, side)):
            sent.messages += count
            sent.octets += octets

    def ended(self, name: Name) -> None:
        """
        Nothing more is done with a mailbox.
        """
        self.going.pop(name, None)
        self._vague.discard(name)
        for side in Side:
            self._left.pop((name, side), None)
        self._ahead.discard(name)
        self._over.add(name)

    # How it is

    @property
    def over(self) -> int:
        """
        How many mailboxes are done with.
        """
        return len(self._over)

    @property
    def ahead(self) -> int:
        """
        How many are not.
        """
        return len(self._ahead)

    @property
    def vague(self) -> bool:
        """
        Whether much less may be left to do than it seems.
        """
        return bool(self._vague)

    def flow(self, side: Side) -> Flow:
        """
        What there is of one direction.
        """
        messages, octets = self._messages[side], self._octets[side]
        left = sum(count for (_, where), count in self._left.items() if where is side)
        for way, sent in self._sent.items():
            if way[1] is side:
                under = sent.flow(self._left.get(way, 0))
                messages += under.messages
                octets += under.octets
                left -= under.messages
        return Flow(messages, octets, left)
