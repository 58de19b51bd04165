"""
Copies that we made and have not seen yet: L{Copies}.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from imapsync.model import Doubt, Given, Side
from imapsync.state.interface import State
from imapsync.uidset import UidSet

_NONE = UidSet()


class Copies:
    """
    Those in one mailbox.  What they show when they are seen for the first time is
    their server's doing, not a user's.

    Before the first octet of a message goes, it is written down that it is being
    copied.  So it is known of which messages they are copies though a run was
    interrupted, and though the server did not tell which is which.  And where one
    has no pair at the next look, its APPEND was not answered: if it is sent again,
    that stays in I{doubt}, and what the server stores late is known to be ours.
    """

    def __init__(self, state: State, mailbox: int) -> None:
        self._state = state
        self._mailbox = mailbox
        self._unseen = dict.fromkeys(Side, _NONE)
        self._begun = dict.fromkeys(Side, _NONE)
        self._doubts: dict[Side, Sequence[Doubt]] = {}

    def read(self) -> None:
        """
        What was copied before is now to be seen.
        """
        for side in Side:
            self._unseen[side] = self._state.copying(self._mailbox, side)
            self._doubts[side] = self._state.doubts(self._mailbox, side)

    # Copying

    def begin(self, side: Side, uids: UidSet, uidnext: int = 0) -> None:
        """
        These messages of C{side} are about to be copied to the other.

        @param uidnext: no copy will have a lower UID.
        """
        state, mailbox = self._state, self._mailbox
        first = not (self._begun[side] or self._unseen[side] or self._doubts.get(side))
        self._begun[side] |= uids
        # One that has a pair is not sent.
        again = uids & self._unseen[side]
        with state.transaction():
            if first:
                state.noteSent(mailbox, side, uidnext)
            state.addCopying(mailbox, side, uids)
            if again:
                state.doubt(mailbox, side, again)
        if again:
            self._doubts[side] = state.doubts(mailbox, side)

    def settle(self, side: Side, uids: UidSet) -> None:
        """
        These were refused, or not sent after all: there will be no copy.
        """
        if not uids & self._begun[side]:
            return
        self._begun[side] -= uids
        self._unseen[side] -= uids
        with self._state.transaction():
            unseen = self._unseen[side] | self._begun[side]
            self._state.setCopying(self._mailbox, side, unseen)

    def given(self, side: Side, given: Iterable[tuple[int, Given]]) -> None:
        """
        Messages of C{side} were copied, and what their copies were given.  It is
        called within a transaction.
        """
        doubts = self._doubts.get(side)
        if not doubts:
            return
        told = dict(given)
        noted = {one.id: told[one.uid] for one in doubts if one.uid in told}
        self._state.noteGiven(noted)
        self._doubts[side] = self._state.doubts(self._mailbox, side)

    # What came late

    def doubts(self, side: Side) -> Sequence[Doubt]:
        """
        The APPENDs of messages of C{side} in doubt.
        """
        return self._doubts.get(side, ())

    def withdraw(self, copies: Mapping[int, int]) -> None:
        """
        These came late, and are about to be removed: their UIDs, by L{Doubt.id}.
        """
        with self._state.transaction():
            self._state.noteCopies(copies)

    def withdrawn(self, side: Side, doubts: Iterable[int]) -> None:
        """
        What came of these APPENDs of messages of C{side} is gone.
        """
        over = frozenset(doubts)
        with self._state.transaction():
            self._state.resolve(over)
        left = [one for one in self._doubts[side] if one.id not in over]
        self._doubts[side] = left

    # Seeing them

    def originals(self, side: Side) -> UidSet:
        """
        The messages of C{side} whose copies are seen for the first time, if they
        are there.
        """
        return self._unseen[side]

    def isOn(self, local: int, remote: int) -> Side | None:
        """
        On which side a message is such a copy, if it is one.
        """
        if local in self._unseen[Side.LOCAL]:
            return Side.REMOTE
        return Side.LOCAL if remote in self._unseen[Side.REMOTE] else None

    def of(self, side: Side) -> UidSet:
        """
        The messages of C{side} that are such copies, as far as their server told
        which they are.
        """
        originals = self._unseen[side.other]
        return self._state.partners(self._mailbox, side.other, originals, side)

    def made(self, side: Side) -> UidSet:
        """
        The copies on C{side} that were made since L{read}, likewise.
        """
        originals = self._begun[side.other]
        return self._state.partners(self._mailbox, side.other, originals, side)

    def seen(self, side: Side, shown: UidSet, made: bool = False) -> None:
        """
        All that there was on C{side} is dealt with.

        @param shown: the messages that its server has told of.
        @param made: whether those that were copied since L{read} were seen, too.
        """
        state, mailbox, other = self._state, self._mailbox, side.other
        # Of those that have no copy yet, and were not sent again, one may come late.
        unseen = self._unseen[other] - self._begun[other]
        if lost := unseen - state.partners(mailbox, other, unseen, other):
            state.doubt(mailbox, other, lost)
        if made:
            self._unseen[other] |= self._begun[other]
            self._begun[other] = _NONE
        if self._unseen[other]:
            hidden = self.of(side) - shown
            left = state.partners(mailbox, side, hidden, other) | self._begun[other]
            state.setCopying(mailbox, other, left)
        state.forgetDoubts()
