"""
One side of a mailbox that is selected: what it tells, and whether that can be all.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from imapsync.errors import Displaced, MailboxError, Refused
from imapsync.gather import together
from imapsync.imap.client import SyncClient
from imapsync.imap.commands.mailbox import Selected
from imapsync.log import Log
from imapsync.mailbox.changes import Reading
from imapsync.mailbox.inventory import Inventory, isTellable
from imapsync.mailbox.refusals import Refusals
from imapsync.model import Changes, Mark, Side, Status
from imapsync.names import shown
from imapsync.plan.views import CUT, isCut
from imapsync.state.interface import State
from imapsync.uidset import UidSet

#: What is said of the original of a message that is missing.
MISSING = "said that it had stored it, and does not have it"

#: The STATUS of a mailbox, and which messages are not gone.
_Answer = list[Any]

#: Which messages that was asked of before it was needed, if any.
_Asked = tuple[UidSet, Deferred[_Answer | None] | None]

_NOTHING: _Asked = UidSet(), None

_log = Log()


class OneSide:
    """
    What is read of it.

    @ivar whole: whether every message is told, not only what changed.
    @ivar lapsed: whether the server has lost track of what changed: what it
        shows may be less than what it was told.
    @ivar partial: how many messages are shown, and how many there are said to be,
        where these are more although all were asked for; else C{None}.
    @ivar new: the messages that had no pair.
    @ivar gone: the known messages that are gone, asked twice.
    @ivar missing: those that the server said it had stored, and never showed.
    @ivar listed: whether all were asked for, as it is to be.
    @ivar undone: set when something was left to do: the mark must not move.
    @ivar refusals: what the mark may pass, but which must be tried again.
    """

    def __init__(
        self,
        side: Side,
        client: SyncClient,
        reading: Reading,
        selected: Selected,
        refusals: Refusals,
        whole: bool,
        lapsed: bool,
    ) -> None:
        self.side = side
        self.client = client
        self.reading, self.selected = reading, selected
        self.refusals = refusals
        self.whole = whole
        self.lapsed = lapsed
        self.changes = Changes()
        self.new = self.gone = self.missing = UidSet()
        self.partial: tuple[int, int] | None = None
        self.undone = self.listed = False
        self._asked = _NOTHING
        self._inventory = Inventory(side, client, reading, selected.exists)
        exists = selected.exists if reading.exists is None else reading.exists
        self._found = exists, reading.left

    @classmethod
    def of(
        cls,
        side: Side,
        client: SyncClient,
        reading: Reading,
        selected: Selected,
        refusals: Refusals,
        mark: Mark | None,
    ) -> OneSide:
        """
        What was selected.

        @param mark: up to which all was dealt with.
        @raise MailboxError: it cannot be synced.
        """
        if not selected.persistent:
            raise MailboxError("its UIDs do not last (UIDNOTSTICKY)", side)
        if not selected.mark.uidvalidity:
            raise MailboxError("it has no UIDVALIDITY", side)
        # A mod-sequence that went back means that the server lost track of
        # what changed: only comparing everything finds it.
        whole = mark is None or not 0 < mark.modseq <= selected.mark.modseq
        whole = whole or selected.partial
        told = selected.mark.modseq > 0 or selected.unmoved
        lapsed = told and mark is not None and mark.modseq > selected.mark.modseq
        return cls(side, client, reading, selected, refusals, whole, lapsed)

    def isRenumbered(self, mark: Mark) -> bool:
        """
        Whether UIDs mean other messages than at C{mark}.
        """
        now = self.selected.mark
        # UIDNEXT never goes back in one mailbox (RFC 9051, 2.3.1.1): where it
        # does, a server was restored from a backup, and UIDs are used again.
        return mark.uidvalidity != now.uidvalidity or mark.uidnext > now.uidnext

    @property
    def absent(self) -> UidSet:
        """
        The known messages that are not there.
        """
        return self.gone | self.missing

    @property
    def unfinished(self) -> bool:
        """
        Whether something is left to do.
        """
        return self.undone or self.reading.partial or self.refusals.left

    @property
    def foreseen(self) -> Mark | None:
        """
        What its mark will be if nothing has happened but what was done; C{None} if
        that cannot be said.
        """
        if self.reading.disturbed or not self.client.outspoken:
            return None
        mark = self.selected.mark
        reached = max(mark.modseq, self.reading.reached) if mark.modseq else 0
        return mark._replace(modseq=reached)

    def withhold(self) -> None:
        """
        Do not copy what has to wait.
        """
        new = self.changes.new
        left = new - self.refusals.withheld(new)
        self.changes = self.changes._replace(new=left)

    async def hear(self, mark: Mark | None, known: int) -> None:
        """
        Something has changed since C{mark} that was not told, unless it is an expunge:
        some servers tell it only behind the answer, and some tell no expunge.

        @param known: how many messages were known to be there.
        """
        now = self.selected.mark.modseq
        if not self.client.resyncs:
            await self._hearRest(mark or self.selected.mark, known)
            return
        if mark is None or mark.modseq >= now or self.reading.told >= now:
            return
        heard = self.client.catchUp()
        if gone := self.reading.lost:
            # What failed is asked again, and fails again.
            self._asked = gone, self._ask(gone).addErrback(lambda _: None)
        await heard

    async def _hearRest(self, mark: Mark, known: int) -> None:
        """
        The same, of a server that tells mod-sequences, and not what is gone: that is
        asked where there are fewer messages than it seems.
        """
        reading, last = self.reading, self.selected.mark.uidnext - 1
        if reading.unnumbered:
            # What was told may be anything.
            self.client.fall("its answers have no MODSEQ")
            self.selected, self.whole = self.selected.untracked(), True
            return
        new = UidSet(((mark.uidnext, last),) if mark.uidnext <= last else ())
        if len(reading.shownAtAll & new) < len(new):
            await self.client.reportFlags(new)
        if self._present >= known + reading.difference:
            return
        if not isTellable(self.client, self._there):
            self.whole = True
            return
        asked = UidSet(((1, last),) if self._there and last > 0 else ())
        reading.lacks(await self.client.exists(asked))

    def count(self, known: int) -> bool:
        """
        If there are other messages than those that are known and those that are
        told, the server has not told all that has happened: all is to be read.

        @param known: how many messages were known to be there.
        @return: whether that is so.
        """
        if self.whole:
            return False
        expected, there = known + self.reading.difference, self._present
        if there == expected:
            return False
        _log.info(
            "{name}: {side} has {there} messages, not {expected} as it seemed; reading"
            " the flags of all.",
            name=shown(self.selected.name),
            side=self.side,
            there=there,
            expected=expected,
        )
        self.lapse()
        return True

    def lapse(self) -> None:
        """
        Have every message be told, and believe nothing that was known.
        """
        self.whole = self.lapsed = True
        self.listed = False
        self._asked = _NOTHING

    def strange(self, mark: Mark) -> bool:
        """
        Whether messages have no entry that were there, and dealt with, at C{mark}.
        """
        old = (uid for uid, _ in (self.new - self.refusals.pending).ranges)
        return any(uid < mark.uidnext for uid in old)

    def keepOnly(self, state: State, mailbox: int) -> None:
        """
        What was kept by other UIDs is not known any more.
        """
        uidvalidity = self.selected.mark.uidvalidity
        if uidvalidity and state.kept(mailbox, self.side):
            with state.transaction():
                state.keepOnly(mailbox, self.side, uidvalidity)

    def passOver(self, uids: UidSet) -> None:
        """
        These of the new messages are not to stay.
        """
        self.changes = self.changes._replace(new=self.changes.new - uids)

    def keepTo(self, mark: Mark) -> None:
        """
        Leave to the next look what was not there yet at C{mark}.
        """
        old = mark.uidnext if self.selected.mark.uidvalidity == mark.uidvalidity else 1
        later = self.changes.new - UidSet(((1, old - 1),) if old > 1 else ())
        self.passOver(later)
        self.undone = self.undone or bool(later)

    async def list(
        self, unknown: bool = False, found: Deferred[UidSet | None] | None = None
    ) -> None:
        """
        Have the flags of all messages told, as L{Inventory.take} has it.
        """
        self.listed = True
        self.reading.listAll(self.lapsed)
        self.partial = await self._inventory.take(unknown, found)

    async def complete(self) -> None:
        """
        That was asked along when it was selected: have told what was not.
        """
        self.listed = True
        self.partial = await self._inventory.complete()

    @property
    def _present(self) -> int:
        """
        How many messages there were of those that may have been told, and are still.
        """
        left = self.reading.left
        if self.client.resyncs:
            return self.selected.exists - left
        # What had come by the end of the answer was told as well.
        exists, before = self._found
        return exists - (left - before)

    @property
    def _there(self) -> int:
        return self._inventory.there

    async def confirm(self, lifted: bool = False) -> str:
        """
        Ask again for what is said to be gone: the mailbox must be the one it was, and
        the messages not in it.

        @param lifted: whether it is believed that many are gone.
        @return: what is wrong, if not all of that can be believed.
        @raise MailboxError: it is another mailbox, or cannot be asked; or only the
            newest are shown.
        """
        if not self.gone:
            return ""
        status: Status
        there: UidSet
        asked, answer = self._asked
        try:
            told = (await answer) if answer and asked == self.gone else None
            status, there = told or await self._ask(self.gone)
        except Refused as error:
            raise unusable(self.side, error) from error
        was = self.selected.mark
        if status.uidvalidity != was.uidvalidity or status.uidnext < was.uidnext:
            raise Displaced("it is another mailbox now; left alone", self.side)
        if there:
            self.gone -= there
            self.undone = True
            _log.warn(
                "{name}: {side} said that messages are gone which are there.",
                name=shown(self.selected.name),
                side=self.side,
            )
        why = self.spare(status)
        if not lifted and self._isCut:
            raise MailboxError(CUT.format(self._there), self.side)
        return why

    @property
    def _isCut(self) -> bool:
        """
        Whether messages are only out of sight: no server with QRESYNC does that.
        """
        if self.client.resyncs or not self.gone:
            return False
        known = self.reading.paired(UidSet(((1, self.gone.ranges[0][0]),)))
        limit = self.client.features.messageLimit
        return isCut(self._there, limit, self.gone, known)

    def _ask(self, gone: UidSet) -> Deferred[_Answer]:
        items = "MESSAGES UIDVALIDITY UIDNEXT"
        status = self.client.mailboxStatus(self.selected.name, items)
        return together([status, self.client.exists(gone)])

    def miss(self, copies: UidSet) -> None:
        """
        Leave alone the originals of C{copies} that the server said it had stored, and
        never showed: that they are not there is no expunge, unless it tells of one.
        """
        self.missing = copies & self.gone - self.reading.vanishedEarly
        self.gone -= self.missing

    def spare(self, status: Status) -> str:
        """
        Leave alone what seems to be gone, if it may be among what is not shown.

        @param status: what the server says by now.
        @return: why, if it does.
        """
        came = status.uidnext - self.selected.mark.uidnext
        if status.messages > self._there + came:
            self.partial = self._there, status.messages - came
        if self.partial is None or not self.gone:
            return ""
        self.gone, self.undone = UidSet(), True
        shown, there = self.partial
        return (
            f"it shows {shown} of its {there} messages; nothing is removed on the other"
            " side"
        )

    def strays(self, before: int, differs: bool) -> int:
        """
        How many messages more than there are pairs are here now, without those that
        are to be looked at again.

        A server may tell another number than it has: that is looked into once.

        @param before: how many there were.
        @param differs: whether there may be messages without a pair, and pairs
            without a message, although all is done.
        """
        strays, reading = before, self.reading
        listed, new = reading.listed, self.new
        if listed is not None:
            # One that went meanwhile may have been told, or not.
            strays = self._there + reading.unnamed - len(listed)
        if listed is not None and not self.selected.mark.modseq:
            differs, new = True, reading.alone
        if differs:
            paired = reading.paired(new | self.gone)
            waiting = self.refusals.pending
            strays += len(new - paired - waiting) - len(self.gone & paired)
        return strays


def unusable(side: Side, error: Refused) -> MailboxError:
    """
    What it means that a server refuses to open a mailbox, or to tell of it.  Not
    all have a response code for one that is not there.
    """
    gone = error.responseCode in ("", "NONEXISTENT") and "FETCH" not in error.command
    kind = Displaced if gone else MailboxError
    return kind(str(error), side, error.responseCode)
