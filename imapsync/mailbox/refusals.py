"""
What was refused of one side of a mailbox, before and now: L{Refusals}.
"""

from __future__ import annotations

from imapsync.errors import Refused
from imapsync.imap.client import SyncClient
from imapsync.mailbox.changes import Reading
from imapsync.model import Side
from imapsync.plan.refusals import pauses
from imapsync.state.interface import State
from imapsync.uidset import UidSet, UidSetBuilder


class Refusals:
    """
    Messages of one side that are to be tried again, or whose flags are: as the
    database knows them, and as one pass finds them.

    @ivar waiting: those that are not to be tried now.
    """

    def __init__(self, state: State, mailbox: int, side: Side) -> None:
        self._state = state
        self._place = mailbox, side
        self._known = UidSet()
        self._due = UidSet()
        self._paired = UidSet()
        self._untried = UidSet()
        self._refused: dict[tuple[str, str], UidSetBuilder] = {}
        self.waiting = UidSet()

    def __bool__(self) -> bool:
        return bool(self._known or self._refused)

    def recall(self, reading: Reading, again: bool) -> None:
        """
        Have those be read that the other side has not, not only those that are to be
        tried: it may have got some in another way, and some may be gone.  Where it is
        flags that were refused, they are read for a first look, and tried, though
        they be not due: that costs little.  Later they matter when they change.

        @param again: whether it is such a look, and any is to be tried.
        """
        self._known = known = self._state.postponed(*self._place)
        self._due = self._state.due(*self._place) if again else UidSet()
        self._paired = paired = reading.paired(known)
        self.waiting = known - paired - self._due
        reading.again = known if again else known - paired
        reading.watched = paired

    async def read(self, client: SyncClient, reading: Reading) -> None:
        """
        Have the server tell what there is of them.  Where it cannot, they stay as
        they are, and all else goes on.
        """
        try:
            await client.reportFlags(reading.again)
        except Refused:
            self._known = self._paired = reading.again = UidSet()

    def withheld(self, new: UidSet) -> UidSet:
        """
        Those of the C{new} messages that are not on the other side and have to wait.
        """
        self.waiting &= new
        return self.waiting

    @property
    def tried(self) -> UidSet:
        """
        Those that the other side has not, and that do not wait.
        """
        return self._known - self._paired - self.waiting

    @property
    def pending(self) -> UidSet:
        """
        All that is known of by now.
        """
        return self._known | self._postponed

    @property
    def left(self) -> bool:
        """
        Whether something is to be tried again another time.
        """
        return bool(self.waiting or self._refused)

    def postpone(self, uids: UidSet, reason: str, code: str, tried: bool) -> None:
        """
        These are refused now, or were C{tried} a moment ago only.
        """
        if not tried:
            self._untried |= uids
        self._refused.setdefault((reason, code), UidSetBuilder()).update(uids)

    def settle(self, reading: Reading, gone: UidSet, undone: bool) -> None:
        """
        What was tried is done, if it is not refused again; or it is gone.

        @param undone: whether something was left to do: only flags are done then.
        """
        told = reading.again | reading.shown.build()
        done = told & self._paired if undone else told - self.waiting
        self._state.settle(*self._place, (done | gone) - self._postponed)

    def store(self) -> None:
        """
        Remember what was refused; what was not due counts once a run.
        """
        noted = self._known - (self._due - self._untried)
        for (reason, code), uids in self._refused.items():
            some, later = uids.build() - noted, pauses(code)
            self._state.postpone(*self._place, some, reason, code, later)

    @property
    def _postponed(self) -> UidSet:
        postponed = UidSet()
        for uids in self._refused.values():
            postponed |= uids.build()
        return postponed
