"""
Listening to one side of a mailbox: rows and VANISHED become L{Changes}.

Each batch of rows is held against the database as it arrives, and only what
differs from it is kept: a mailbox of a million messages that nobody touched
costs nothing.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from functools import cached_property

from imapsync.imap.wire.responses import Row
from imapsync.model import Agreed, Changes, Flags, Mark, Side
from imapsync.plan.flags import common, same, without
from imapsync.state.interface import State
from imapsync.uidset import UidSet, UidSetBuilder

#: So many changed messages are taken up in one pass; the rest is read again
#: in the next, since the mark does not pass them.
CHANGES = 50_000


class Reading:
    """
    What one side tells while its mailbox is selected, in order of arrival.

    @ivar again: messages to look at although the mark has passed them; to be set by
        whoever wants that.
    @ivar watched: messages of which it matters that they are told; likewise.
    @ivar shown: those of them that were.
    @ivar heard: the latest flags of the messages that are expected to change.
    @ivar expunged: once L{take} was called, what vanished.
    @ivar reached: once L{take} was called, the highest mod-sequence told.
    @ivar keptNoMore: once L{take} was called, those that were kept and are gone.
    @ivar disturbed: whether it was told since that something has happened to
        other messages than was expected.
    @ivar partial: whether there was more than is taken up at once.
    @ivar exists: how many messages there were when L{take} was called; C{None} if that
        was not told.
    @ivar told: the highest mod-sequence of the messages that were told, before L{take}
        was called and unless all were to be.
    @ivar unnumbered: whether any of these has no mod-sequence.
    @ivar alone: once L{take} was called, those of all messages that have no pair, and
        were not kept.
    @ivar late: messages whose flags have changed before the mailbox was selected, as
        was told only after L{take}.
    """

    def __init__(
        self, state: State, mailbox: int, side: Side, mark: Mark | None
    ) -> None:
        self._state = state
        self._mailbox = mailbox
        self._side = side
        self._since = mark.uidnext if mark else 1
        self.again = self.watched = UidSet()
        self.shown = UidSetBuilder()
        self._flags: dict[int, Flags] = {}
        self._changed: dict[int, Agreed] = {}
        self._new = UidSetBuilder()
        self._gone = UidSetBuilder()
        self._left = UidSetBuilder()
        self._unnamed = self._room = 0
        self._lost = UidSet(), UidSet()
        self._shown = UidSetBuilder()
        self._listed: UidSetBuilder | None = None
        self._taken = False
        self.told = 0
        self.unnumbered = self.partial = False
        self.alone = UidSet()
        self._kept: UidSet | None = None
        self.keptNoMore = UidSet()
        self.exists: int | None = None
        self._expected: Container[int] = ()
        self._doomed = UidSet()
        self.heard: dict[int, Flags] = {}
        self.expunged = UidSetBuilder()
        self.reached = 0
        self.disturbed = False
        self._modseq = 0
        self.late = UidSetBuilder()

    def listAll(self, lapsed: bool = False) -> None:
        """
        From here on every message is told: one that is not is gone.

        @param lapsed: whether the server has lost track of what changed: then
            what was expunged may be back.
        """
        if lapsed:
            self._since = 1
        self._listed = UidSetBuilder()

    @property
    def difference(self) -> int:
        """
        How many messages more than before there are, as was told so far.
        """
        gone = self._gone.build()
        waiting = self._state.postponed(self._mailbox, self._side) | self.kept
        known = self._known(gone)
        new = self._new.build() - gone - waiting
        return len(new) - len(known) - len((gone & waiting) - known)

    @property
    def kept(self) -> UidSet:
        """
        The messages that stay though they are gone from the other side.
        """
        if self._kept is None:
            self._kept = self._state.kept(self._mailbox, self._side)
        return self._kept

    @kept.setter
    def kept(self, uids: UidSet) -> None:
        self._kept = uids

    @property
    def left(self) -> int:
        """
        How many messages went while they were told.
        """
        return len(self._left.build()) + self._unnamed

    @property
    def unnamed(self) -> int:
        """
        Of how many of these nobody knows which they are.
        """
        return self._unnamed

    @property
    def listed(self) -> UidSet | None:
        """
        The messages that were told, and are there, if all were to be.
        """
        listed, left = self._listed, self._left.build()
        return None if listed is None else listed.build() - left

    @property
    def shownAtAll(self) -> UidSet:
        """
        The messages that were told to be there, or to be there no more.
        """
        return self._shown.build() | self._gone.build()

    @property
    def vanishedEarly(self) -> UidSet:
        """
        The messages that were told to be gone, before L{take} was called.
        """
        return self._gone.build()

    @property
    def lost(self) -> UidSet:
        """
        Those of them that have a pair.
        """
        return self._known(self.vanishedEarly)

    def rowsReceived(self, rows: list[Row]) -> None:
        """
        Flags of messages.
        """
        if self._taken:
            self._hear(rows)
            return
        told = {row.uid: row.flags for row in rows if row.uid and row.flags is not None}
        if not told:
            return
        uids = UidSet.of(told)
        self._note(uids)
        if self._listed is None:
            numbers = [row.modseq for row in rows if row.uid]
            self.told = max(self.told, *numbers)
            self.unnumbered = self.unnumbered or not all(numbers)
        agreed = self._agreed(uids)
        told = self._meant(told, agreed)
        for uid, flags in told.items():
            known = agreed.get(uid)
            if known is None:
                if uid >= self._since or uid in self.again:
                    self._new.add(uid)
            elif same(known[2], flags):
                if self._flags.pop(uid, None) is not None:
                    del self._changed[uid]
            elif len(self._flags) < CHANGES or uid in self._flags:
                self._flags[uid] = flags
                self._changed[uid] = known
            else:
                self.partial = True

    def _meant(
        self, told: dict[int, Flags], agreed: Mapping[int, Agreed]
    ) -> dict[int, Flags]:
        """
        The flags of messages, those that mean nothing as they were agreed.
        """
        if not (agreed and (ignored := self._ignored)):
            return told
        return {
            uid: without(flags, ignored) | common(agreed[uid][2], ignored)
            if uid in agreed
            else flags
            for uid, flags in told.items()
        }

    @cached_property
    def _ignored(self) -> Flags:
        """
        That a side shows one of these, or does not, means nothing.
        """
        return ignored(self._state, self._mailbox)

    def found(self, uids: UidSet) -> None:
        """
        These messages are there, and none of them has a pair.
        """
        self._note(uids)
        self._new.update(uids)

    def _note(self, uids: UidSet) -> None:
        """
        These were told.
        """
        self._shown.update(uids)
        if self._listed is not None:
            self._listed.update(uids)
        if self.watched:
            self.shown.update(uids & self.watched)

    def vanished(self, uids: UidSet, earlier: bool) -> None:
        """
        Messages are gone.
        """
        if self._taken:
            self.expunged.update(uids)
            self.disturbed = self.disturbed or bool(uids - self._doomed)
        else:
            self._gone.update(uids)
            if not earlier:
                self._left.update(uids)
                self.exists = max(0, (self.exists or 0) - len(uids))

    def existsReceived(self, messages: int) -> None:
        """
        New messages show in the next look.
        """
        if not self._taken:
            self.exists = messages

    def expungeReceived(self) -> None:
        """
        A message is gone, nobody knows which.
        """
        if self._taken:
            # If it is none of those, there are fewer messages than are foreseen.
            self._room -= 1
            self.disturbed = self.disturbed or self._room < 0
        else:
            self._unnamed += 1
            self.exists = max(0, (self.exists or 0) - 1)

    def lacks(self, there: UidSet) -> None:
        """
        Of all that was known, no more than this is there.
        """
        waiting = self._state.postponed(self._mailbox, self._side)
        known = self._state.paired(self._mailbox, self._side) | waiting | self.kept
        self.vanished(known - there, earlier=True)

    def modseqReceived(self, modseq: int) -> None:
        """
        The server's word on what it was told to do.
        """
        if self._taken:
            self.reached = max(self.reached, modseq)

    def expect(self, expected: Container[int], doomed: UidSet | None = None) -> None:
        """
        Hear, after L{take}, what becomes of some messages.

        @param doomed: those that are to be expunged.
        """
        self.heard.clear()
        self._expected = expected
        self._doomed = doomed or UidSet()
        self._room += len(self._doomed)

    def _hear(self, rows: list[Row]) -> None:
        late: dict[int, Flags] = {}
        for uid, flags, modseq, *_ in rows:
            if uid not in self._expected or flags is None:
                self.disturbed = True
                if flags is not None and 0 < modseq <= self._modseq:
                    late[uid] = flags
            else:
                self.heard[uid] = flags
            if modseq > self.reached:
                self.reached = modseq
        for uid, known in (self._agreed(UidSet.of(late)) if late else {}).items():
            if not same(self._flags.get(uid, known[2]), late[uid]):
                self.late.add(uid)

    def take(self, modseq: int = 0) -> Changes:
        """
        What changed; from here on, only listen to what comes of our own
        commands.

        @param modseq: what has changed up to that should have been told by now.
        """
        self._taken, self._modseq = True, modseq
        gone = self._gone.build()
        if self._listed is not None:
            known = self._state.paired(self._mailbox, self._side) | self.kept
            listed = self._listed.build()
            self.alone = listed - known
            gone |= known - listed
        self.keptNoMore = self.kept & gone
        self.kept -= gone
        new = self._new.build() - gone - self.kept
        return Changes(self._flags, new, self._known(gone), self._changed)

    def _known(self, gone: UidSet) -> UidSet:
        """
        Those of C{gone} that have a pair.  They are wanted when the messages are
        counted, and when they are taken up.
        """
        if self._lost[0] != gone:
            self._lost = gone, self.paired(gone)
        return self._lost[1]

    def paired(self, uids: UidSet) -> UidSet:
        """
        Those of C{uids} that have a pair.
        """
        return self._state.partners(self._mailbox, self._side, uids, self._side)

    def _agreed(self, uids: UidSet) -> Mapping[int, Agreed]:
        """
        What is agreed on those that have a pair.
        """
        known = self._state.agreed(self._mailbox, self._side, uids)
        if self._side is Side.LOCAL:
            return {one[0]: one for one in known}
        return {one[1]: one for one in known}


def ignored(state: State, mailbox: int) -> Flags:
    """
    The flags that mean nothing in a mailbox, since a side does not keep them.
    """
    unkept = (state.unkeptFlags(side, mailbox) for side in Side)
    return frozenset[str]().union(*unkept)
