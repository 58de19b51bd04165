"""
One side of a mailbox that is selected: what it tells, and whether that can be all.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from imapsync.imap.client import SyncClient
from imapsync.imap.commands.mailbox import Selected
from imapsync.log import Log
from imapsync.mailbox.changes import Reading
from imapsync.mailbox.refusals import Refusals
from imapsync.model import Changes, Side
from imapsync.names import shown
from imapsync.uidset import UidSet

_log = Log()


@dataclass
class OneSide:
    """
    What is read of it.

    @ivar whole: whether every message is told, not only what changed.
    @ivar lapsed: whether the server has lost track of what changed: what it
        shows may be less than what it was told.
    @ivar new: the messages that had no pair.
    @ivar gone: the known messages that are gone, asked twice.
    @ivar undone: set when something was left to do: the mark must not move.
    @ivar refusals: what the mark may pass, but which must be tried again.
    """

    side: Side
    client: SyncClient
    reading: Reading
    selected: Selected
    refusals: Refusals
    whole: bool
    lapsed: bool
    changes: Changes = field(default_factory=Changes)
    new: UidSet = field(default_factory=UidSet)
    gone: UidSet = field(default_factory=UidSet)
    undone: bool = False

    @property
    def unfinished(self) -> bool:
        """
        Whether something is left to do.
        """
        return self.undone or self.reading.partial or self.refusals.left

    def withhold(self) -> None:
        """
        Do not copy what has to wait.
        """
        new = self.changes.new
        left = new - self.refusals.withheld(new)
        self.changes = self.changes._replace(new=left)

    def count(self, known: int) -> None:
        """
        If there are other messages than those that are known and those that are
        told, the server has not told all that has happened: all is to be read.

        @param known: how many messages were known to be there.
        """
        if self.whole or not self.reading.counts:
            return
        expected = known + self.reading.difference
        if self.selected.exists == expected:
            return
        _log.info(
            "{name}: {side} has {there} messages, not {expected} as it seemed; reading"
            " the flags of all.",
            name=shown(self.selected.name),
            side=self.side,
            there=self.selected.exists,
            expected=expected,
        )
        self.whole = self.lapsed = True

    def strays(self, before: int, differs: bool) -> int:
        """
        How many messages more than there are pairs are here now, without those that
        are to be looked at again.

        A server may tell another number than it has: that is looked into once.

        @param before: how many there were.
        @param differs: whether there may be messages without a pair, and pairs
            without a message, although all is done.
        """
        strays, listed = before, self.reading.listed
        if listed is not None:
            strays = (self.reading.exists or self.selected.exists) - listed
        if differs:
            paired = self.reading.paired(self.new | self.gone)
            waiting = self.refusals.pending
            strays += len(self.new - paired - waiting) - len(self.gone & paired)
        return strays
