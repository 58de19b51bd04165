"""
Copies that we made and have not seen yet: L{Copies}.
"""

from __future__ import annotations

from imapsync.model import Side
from imapsync.state.interface import State
from imapsync.uidset import UidSet

_NONE = UidSet()


class Copies:
    """
    Those in one mailbox.  What they show when they are seen for the first time is
    their server's doing, not a user's.

    It is known of which messages they are copies: that holds though a run was
    interrupted, and though the server did not tell which is which.
    """

    def __init__(self, state: State, mailbox: int) -> None:
        self._state = state
        self._mailbox = mailbox
        self._unseen = dict.fromkeys(Side, _NONE)
        self._begun = dict.fromkeys(Side, _NONE)

    def read(self) -> None:
        """
        What was copied before is now to be seen.
        """
        for side in Side:
            self._unseen[side] = self._state.copying(self._mailbox, side)

    def begin(self, side: Side, uids: UidSet) -> None:
        """
        These messages of C{side} are about to be copied to the other.
        """
        self._begun[side] |= uids
        with self._state.transaction():
            unseen = self._unseen[side] | self._begun[side]
            self._state.setCopying(self._mailbox, side, unseen)

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

    def seen(self, side: Side) -> None:
        """
        All that there was on C{side} is dealt with.
        """
        if self._unseen[side.other]:
            begun = self._begun[side.other]
            self._state.setCopying(self._mailbox, side.other, begun)
