"""
The growth brake: two programs that copy between the same two accounts must not copy
each other's copies for ever.

Both see a new message, and both copy it.  Each then finds the other's copy, does not
know it, and would copy it back; and so on, more with each round.  So a message that
arrived while a copy was made, and is equal to that, is an I{echo}.  If it has the
lower UID, it is left to the other program to make both sides equal: both see the same
UIDs, so that one of them does.  What goes round all the same is stopped.

What a user copies within a mailbox, beside a message that has just arrived, has the
higher UID, and is copied at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence

from imapsync.errors import Feedback
from imapsync.model import Name, Pair, Side
from imapsync.names import shown
from imapsync.uidset import UidSet

#: For so many seconds after a copy was made, what arrives may be its echo.
WINDOW = 600.0

#: Time is told apart no finer than that, in seconds.
_GRAIN = 60.0

#: A message that would go from one side to the other for so many times after the
#: first is stopped.
ROUNDS = 3

#: Equal messages of one side: those that may be echoes, and our copies.
Equal = tuple[Sequence[int], Sequence[int]]

_Where = tuple[int, Side]


class _While:
    """
    What was copied to one side of a mailbox in a part of the time that counts.

    @ivar began: when.
    @ivar since: when it was looked there, there was no UID from here on.
    @ivar own: the UIDs of the copies.
    @ivar rounds: by the UIDs of those that were made of echoes, which round it was.
    """

    def __init__(self, began: float, since: int) -> None:
        self.began = began
        self.since = since
        self.own = UidSet()
        self.rounds: dict[int, int] = {}


class Growth:
    """
    Remembers what was copied lately, as long as the program runs: C{mailbox} is a
    L{Known.id<imapsync.model.Known>}.

    @param now: tells the time, in seconds.
    """

    def __init__(self, now: Callable[[], float] = lambda: 0.0) -> None:
        self._now = now
        self._lately: dict[_Where, deque[_While]] = {}
        self._echoes: dict[_Where, dict[int, int]] = {}

    def begin(self, mailbox: int, side: Side, uidnext: int) -> None:
        """
        Messages are about to be copied to C{side}.

        @param uidnext: when it was looked there, there was no UID from here on.
        """
        where = mailbox, side
        lately = self._recent(where)
        while lately and lately[0].began + WINDOW <= self._now():
            lately.popleft()
        self._latest(where, uidnext)

    def copied(self, mailbox: int, side: Side, pairs: Sequence[Pair]) -> None:
        """
        Messages were copied to C{side}, and these are their pairs.
        """
        if not pairs:
            return
        uids = UidSet.of(pair.uid(side) for pair in pairs)
        latest = self._latest((mailbox, side), uids.ranges[0][0])
        latest.own |= uids
        if echoes := self._echoes.get((mailbox, side.other)):
            for pair in pairs:
                if times := echoes.pop(pair.uid(side.other), 0):
                    latest.rounds[pair.uid(side)] = times

    def recognised(self, mailbox: int, pairs: Sequence[Pair]) -> None:
        """
        These messages may have been copied by us, though no server has told of it.
        """
        for side in Side:
            if lately := self._recent((mailbox, side)):
                since = min(one.since for one in lately)
                ours = [pair for pair in pairs if pair.uid(side) >= since]
                self.copied(mailbox, side, ours)

    def own(self, mailbox: int, side: Side) -> UidSet:
        """
        The copies that may have echoes.
        """
        lately = self._recent((mailbox, side))
        return UidSet.ofRanges(some for one in lately for some in one.own.ranges)

    def late(self, mailbox: int, side: Side, new: UidSet) -> UidSet:
        """
        Those of the C{new} messages that may be echoes.
        """
        lately = self._recent((mailbox, side))
        if not (new and any(one.own for one in lately)):
            return UidSet()
        since, last = min(one.since for one in lately), new.ranges[-1][1]
        return new & UidSet(((since, last),)) if since <= last else UidSet()

    def waiting(
        self, name: Name, mailbox: int, side: Side, equal: Iterable[Equal]
    ) -> UidSet:
        """
        The echoes that are left to another program.  The others may be copied.

        @param name: the mailbox's.
        @raise Feedback: one of those has gone round too often.
        """
        rounds: dict[int, int] = {}
        for one in self._recent((mailbox, side)):
            rounds.update(one.rounds)
        waiting: list[int] = []
        echoes: dict[int, int] = {}
        for late, own in equal:
            if min(late) < min(own):
                waiting.extend(late)
            else:
                times = 1 + max(rounds.get(uid, 0) for uid in own)
                echoes.update(dict.fromkeys(late, times))
        if over := [uid for uid, times in echoes.items() if times >= ROUNDS]:
            raise Feedback(
                f"{shown(name)}: {side}: UID {UidSet.of(over)}: went back and forth"
                f" {ROUNDS} times; another imapsync seems to work on the same accounts."
                " Stopped before that goes on for ever.  Let only one work on them,"
                " with one database, and start it again"
            )
        self._echoes[mailbox, side] = echoes
        return UidSet.of(waiting)

    def _recent(self, where: _Where) -> deque[_While]:
        """
        What counts: all that was copied by one pass does, however long that took.
        """
        lately = self._lately.setdefault(where, deque())
        if lately and lately[-1].began + WINDOW <= self._now():
            lately.clear()
        return lately

    def _latest(self, where: _Where, since: int) -> _While:
        """
        Where to note what happens now.
        """
        lately = self._recent(where)
        if not lately or lately[-1].began + _GRAIN <= self._now():
            lately.append(_While(self._now(), since))
        lately[-1].since = min(lately[-1].since, since)
        return lately[-1]
