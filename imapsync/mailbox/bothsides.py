"""
One mailbox, selected on both sides: what changed there, and what of it was
dealt with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from twisted.internet.defer import Deferred

from imapsync.errors import Displaced, MailboxError, Refused
from imapsync.gather import onBoth, together
from imapsync.imap.client import SyncClient
from imapsync.imap.commands.mailbox import Selected
from imapsync.log import Log
from imapsync.mailbox.ahead import Opening
from imapsync.mailbox.changes import Reading
from imapsync.mailbox.report import Report
from imapsync.model import Changes, Known, Mark, Name, Side, Status, differ
from imapsync.names import INBOX
from imapsync.plan.brake import Brake
from imapsync.state.store import State
from imapsync.uidset import UidSet, UidSetBuilder


@dataclass(frozen=True)
class Policy:
    """
    What the user wants of every mailbox.

    @ivar merge: settle flags that changed on both sides one by one, instead
        of by their union.
    @ivar readOnly: sides that are never written.
    @ivar dryRun: only say what would be done.
    """

    merge: bool = False
    readOnly: frozenset[Side] = frozenset()
    dryRun: bool = False


@dataclass(frozen=True)
class Trash:
    """
    Where messages are moved instead of being expunged.

    @ivar spelled: what the server calls it.
    """

    name: Name
    spelled: str


@dataclass(frozen=True)
class Surroundings:
    """
    What the work on a mailbox is done with.

    @ivar names: what each server calls the mailbox.
    @ivar acquainted: whether any message was known when the run began.
    @ivar say: takes the lines of a dry run.
    @ivar opened: the sides that were selected ahead, for the next look.
    @ivar foreseen: what the marks of both sides will be if nothing has happened
        but what the last look did itself: then there need not be another.  Empty
        if that cannot be said.
    """

    clients: Mapping[Side, SyncClient]
    names: Mapping[Side, str]
    state: State
    policy: Policy
    brake: Brake
    report: Report
    say: Callable[[str], None]
    acquainted: bool
    trashes: Mapping[Side, Trash] = field(default_factory=dict)
    opened: dict[Side, Opening] = field(default_factory=dict)
    foreseen: dict[Side, Mark] = field(default_factory=dict)


@dataclass
class SideView:
    """
    One side of it.

    @ivar whole: whether every message is told, not only what changed.
    @ivar lapsed: whether the server has lost track of what changed: what it
        shows may be less than what it was told.
    @ivar gone: the known messages that are gone, asked twice.
    @ivar undone: set when something was left to do: the mark must not move.
    @ivar postponed: what the mark may pass, but which must be tried again.
    """

    client: SyncClient
    reading: Reading
    selected: Selected
    whole: bool
    lapsed: bool
    changes: Changes = field(default_factory=Changes)
    gone: UidSet = field(default_factory=UidSet)
    undone: bool = False
    postponed: UidSetBuilder = field(default_factory=UidSetBuilder)


class View:
    """
    Both sides of the mailbox C{known}.

    @ivar again: whether to look once more at what was postponed, as the first
        look of a run does.
    @ivar sides: once it was L{read}.
    """

    log = Log()

    def __init__(self, known: Known, around: Surroundings, again: bool) -> None:
        self.known = known
        self.name: Name = known.name
        self.around = around
        self.state = around.state
        self.sides: dict[Side, SideView] = {}
        self.again = again

    async def read(self) -> bool:
        """
        Select the mailbox on both sides and take what changed.

        @return: whether that can be used; not if all is to be read again.
        @raise MailboxError: it cannot be synced.
        """
        self.sides = await onBoth(self._open)
        renumbered = [side for side in Side if self._renumbered(side)]
        if renumbered:
            self._startOver(renumbered)
            return False
        for side in Side:
            if self._replaced(side):
                raise Displaced(f"{side}: another mailbox has its name now")
        for side, this in self.sides.items():
            # Not asked before: none is told either where UIDVALIDITY is new.
            if not this.selected.tracked:
                raise MailboxError(f"{side}: it has no mod-sequences (NOMODSEQ)")
        self._begin()
        await onBoth(self._listen)
        for this in self.sides.values():
            this.gone = this.changes.gone
        await onBoth(self._confirm)
        return True

    async def _open(self, side: Side) -> SideView:
        mark = self.known.marks.get(side)
        ahead = await self._openedAhead(side, mark)
        if ahead is not None:
            reading, selected = ahead
        else:
            reading = Reading(self.state, self.known.id, side, mark, self.again)
            try:
                selected = await self._select(side, mark, reading)
            except Refused as error:
                raise _unusable(side, error) from error
        if not selected.persistent:
            raise MailboxError(f"{side}: its UIDs do not last (UIDNOTSTICKY)")
        if not selected.mark.uidvalidity:
            raise MailboxError(f"{side}: it has no UIDVALIDITY")
        # A mod-sequence that went back means that the server lost track of
        # what changed: only comparing everything finds it.
        whole = mark is None or not 0 < mark.modseq <= selected.mark.modseq
        lapsed = mark is not None and mark.modseq > selected.mark.modseq
        client = self.around.clients[side]
        return SideView(client, reading, selected, whole, lapsed)

    def _select(
        self, side: Side, mark: Mark | None, reading: Reading
    ) -> Deferred[Selected]:
        policy = self.around.policy
        writable = side not in policy.readOnly and not policy.dryRun
        name = self.around.names[side]
        return self.around.clients[side].open(name, mark, reading, writable)

    # The next look

    def openAhead(self, ready: Callable[[], bool]) -> None:
        """
        Have both sides selected for the next look while answers to what was
        done in this one are under way: it costs no round trip of its own.  This
        view hears no more.

        @param ready: whether the answers have come.
        """
        if any(this.undone or this.reading.partial for this in self.sides.values()):
            return
        for side, this in self.sides.items():
            mark = this.selected.mark
            reading = Reading(self.state, self.known.id, side, mark, False, ready)
            selecting = self._select(side, mark, reading)
            self.around.opened[side] = Opening(mark, reading, selecting)

    async def openedAhead(self) -> None:
        """
        Wait until the sides that were to be selected ahead are, or cannot be.
        """
        await together([opening.done for opening in self.around.opened.values()])

    async def resume(self) -> None:
        """
        There is more to be done: listen again.
        """
        await self.openedAhead()
        for side in list(self.around.opened):
            del self.around.opened[side]
            await self._select(side, None, self.sides[side].reading)

    async def _openedAhead(
        self, side: Side, mark: Mark | None
    ) -> tuple[Reading, Selected] | None:
        """
        What the look before this one has selected, if it serves.
        """
        opening = self.around.opened.pop(side, None)
        if opening is None:
            return None
        await opening.done
        if opening.selected is None or not opening.serves(mark):
            return None
        return opening.reading, opening.selected

    # This one

    def _renumbered(self, side: Side) -> bool:
        mark = self.known.marks.get(side)
        now = self.sides[side].selected.mark
        if mark is None:
            return False
        # UIDNEXT never goes back in one mailbox (RFC 9051, 2.3.1.1): where it
        # does, a server was restored from a backup, and UIDs are used again.
        return (
            mark.uidvalidity != now.uidvalidity
            or mark.uidnext > now.uidnext
            # No other name can be that of INBOX.
            or (self.name == INBOX and self._replaced(side))
        )

    def _replaced(self, side: Side) -> bool:
        """
        Whether it is another mailbox, though UIDVALIDITY be the same.
        """
        selected = self.sides[side].selected
        return side in self.known.marks and differ(
            self.known.identities.get(side, ""), selected.identity
        )

    def _startOver(self, renumbered: list[Side]) -> None:
        """
        UIDs mean other messages now.  That deletes nothing: all messages are
        paired by content again.
        """
        if self.name in self.around.report.renumbered:
            raise MailboxError(f"{renumbered[0]}: UIDVALIDITY changes all the time")
        self.around.report.renumbered.add(self.name)
        for side in renumbered:
            self.log.warn(
                "{name}: UIDs changed on {side}; pairing by content.",
                name=self.name,
                side=side,
            )
        with self.state.transaction():
            self.state.forgetPairs(self.known.id)

    def _begin(self) -> None:
        """
        Before any pair is stored, store which UIDVALIDITY its UIDs belong to.
        """
        if len(self.known.marks) == len(Side):
            return
        with self.state.transaction():
            for side in Side:
                if side not in self.known.marks:
                    selected = self.sides[side].selected
                    start = Mark(selected.mark.uidvalidity, 1, 0)
                    self.state.setMark(self.known.id, side, start)
                    self.state.setIdentity(self.known.id, side, selected.identity)

    async def _listen(self, side: Side) -> None:
        this = self.sides[side]
        if this.whole:
            this.reading.listAll(this.lapsed)
            if this.selected.exists:
                await this.client.reportFlags(None)
        elif this.reading.again:
            await this.client.reportFlags(this.reading.again)
        this.changes = this.reading.take()

    async def _confirm(self, side: Side) -> None:
        """
        Ask again for what is said to be gone: the mailbox must be the one it
        was, and the messages not in it.
        """
        this = self.sides[side]
        if not this.gone:
            return
        status: Status
        there: UidSet
        items = "UIDVALIDITY UIDNEXT"
        try:
            status, there = await together(
                [
                    this.client.mailboxStatus(this.selected.name, items),
                    this.client.exists(this.gone),
                ]
            )
        except Refused as error:
            raise _unusable(side, error) from error
        now, was = status, this.selected.mark
        if now.uidvalidity != was.uidvalidity or now.uidnext < was.uidnext:
            raise Displaced(f"{side}: it is another mailbox now; left alone")
        if there:
            this.gone -= there
            this.undone = True
            self.log.warn(
                "{name}: {side} said that messages are gone which are there.",
                name=self.name,
                side=side,
            )

    def doomed(self, side: Side) -> UidSet:
        """
        The messages of C{side} whose pairs are gone on the other, and which
        must go too.
        """
        if side in self.around.policy.readOnly:
            return UidSet()
        there = self.sides[side.other].gone
        doomed = self.state.partners(self.known.id, side.other, there, side)
        return doomed - self.sides[side].gone

    def trash(self, side: Side) -> Trash | None:
        """
        Where to move messages of C{side}, rather than to expunge them; C{None}
        also if it is this mailbox.
        """
        trash = self.around.trashes.get(side)
        return trash if trash and trash.spelled != self.around.names[side] else None

    def trouble(self, text: str) -> None:
        """
        Something cannot be synced; the rest goes on.
        """
        if self.around.report.trouble(self.name, text):
            self.log.error("{name}: {text}", name=self.name, text=text)

    def postpone(self, side: Side, uids: UidSet, text: str) -> None:
        """
        What these messages of C{side} are, or show, was not carried over.
        """
        self.sides[side].postponed.update(uids)
        self.trouble(f"{side}: UID {uids}: {text}")

    def commit(self) -> None:
        """
        All that was read is dealt with, but for what was left undone.
        """
        mailbox = self.known.id
        with self.state.transaction():
            for side, this in self.sides.items():
                if not (this.undone or this.reading.partial):
                    if side.other not in self.around.policy.readOnly:
                        self.state.settle(mailbox, side, this.reading.again)
                    self.state.setMark(mailbox, side, this.selected.mark)
                    self.state.forgetForetold(mailbox, side)
                self.state.postpone(mailbox, side, this.postponed.build())
                identity = this.selected.identity
                if identity and identity != self.known.identities.get(side, ""):
                    self.state.setIdentity(mailbox, side, identity)
        self._foresee()

    def _foresee(self) -> None:
        """
        A server tells the mod-sequence of each change that it made for us.  If it
        has told of nothing else, that is what STATUS will tell, too.
        """
        self.around.foreseen.clear()
        if not all(this.client.outspoken for this in self.sides.values()):
            return
        for this in self.sides.values():
            postponed = this.postponed.build() or this.reading.again
            unread = this.undone or this.reading.partial or this.reading.disturbed
            if unread or postponed or this.changes.new:
                return
        for side, this in self.sides.items():
            mark = this.selected.mark
            modseq = max(mark.modseq, this.reading.reached)
            self.around.foreseen[side] = mark._replace(modseq=modseq)


def _unusable(side: Side, error: Refused) -> MailboxError:
    """
    What it means that a server refuses to open a mailbox, or to tell of it.  Not
    all have a response code for one that is not there.
    """
    gone = error.responseCode in ("", "NONEXISTENT")
    return (Displaced if gone else MailboxError)(f"{side}: {error}")
