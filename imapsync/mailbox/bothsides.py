"""
One mailbox, selected on both sides: what changed there, and what of it was
dealt with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from twisted.internet.defer import Deferred

from imapsync.errors import Displaced, MailboxError
from imapsync.gather import onBoth, together
from imapsync.log import Log
from imapsync.mailbox.changes import Reading
from imapsync.mailbox.context import Context
from imapsync.mailbox.copies import Copies
from imapsync.mailbox.fetching import Source
from imapsync.mailbox.oneside import MISSING, OneSide
from imapsync.mailbox.opening import Opening
from imapsync.mailbox.review import Review
from imapsync.mailbox.suspects import Place
from imapsync.model import Act, Known, Mark, Name, Pair, Side, Trouble, differ
from imapsync.names import INBOX
from imapsync.plan.operations import Trash
from imapsync.uidset import UidSet

_NONE = UidSet()


class BothSides:
    """
    Both sides of the mailbox C{known}.

    @param again: whether to try once more what was refused and has waited long
        enough, as the first look of a run does.
    @ivar sides: once it was L{read}.
    @ivar copies: likewise.
    @ivar released: whether the connections serve other mailboxes by now.
    """

    log = Log()

    def __init__(self, known: Known, context: Context, again: bool) -> None:
        self.known = known
        self.name: Name = known.name
        self.context = context
        self.state = context.state
        self.sides: dict[Side, OneSide] = {}
        self._sources: dict[Side, Source] = {}
        self.copies = Copies(self.state, known.id)
        self._opening = Opening(known, context, again)
        self.released = False
        self._reviews: dict[Side, Review] = {}
        self._reviewed: dict[Side, tuple[Mark, UidSet]] = {}

    async def read(self) -> bool:
        """
        Select the mailbox on both sides and take what changed.

        @return: whether that can be used; not if all is to be read again.
        @raise MailboxError: it cannot be synced.
        """
        self.copies.read()
        self.sides = await onBoth(self._opening.open)
        renumbered = [side for side in Side if self._renumbered(side)]
        if renumbered:
            self._startOver(renumbered)
            return False
        for side in Side:
            if self._replaced(side):
                raise Displaced("another mailbox has its name now", side)
        for this in self.sides.values():
            this.keepOnly(self.state, self.known.id)
        self._begin()
        await self._listenToBoth()
        if (ahead := self._opening.ahead) is not None:
            self.sides[ahead.side.other].keepTo(ahead.source)
        for this in self.sides.values():
            this.gone = this.changes.gone
        await onBoth(self._confirm)
        for side, this in self.sides.items():
            this.miss(self.copies.of(side) if this.gone else UidSet())
        return True

    # What was copied

    def review(self, release: bool) -> bool:
        """
        All that is to be copied was sent.  Have the servers show what came of it, so
        that it need not be looked again: it costs no round trip of its own.  This view
        hears no more.

        @param release: whether the connections may serve other mailboxes then.
        @return: whether they do.
        """
        if self._undone:
            return False
        for side, this in self.sides.items():
            if self._isWritten(side) or not this.client.outspoken:
                mark = this.selected.mark
                reading = Reading(self.state, self.known.id, side, mark)
                way = this.client.reopen
                selecting = self._opening.select(way, side, mark, reading)
                self._reviews[side] = Review(mark, reading, selecting)
        if release and self.context.release is not None:
            self.released = True
            self.context.release()
        return self.released

    async def reviewed(self) -> None:
        """
        Wait until they have done so, and told what was relied on.
        """
        if (ahead := self._opening.ahead) is not None:
            told = await self._opening.entered()
            if told is None:
                for this in self.sides.values():
                    this.undone = True
            else:
                self.sides[ahead.side].selected = told
        for side, review in self._reviews.items():
            copies = self.copies.made(side)
            mark = await review.mark(copies)
            if mark is not None and not self._undone:
                self._reviewed[side] = mark, copies

    def _isWritten(self, side: Side) -> bool:
        """
        Whether anything is to be copied to C{side}.
        """
        return bool(self.sides[side.other].changes.new)

    @property
    def _undone(self) -> bool:
        return any(one.undone or one.reading.partial for one in self.sides.values())

    async def resume(self, shown: Side | None = None) -> None:
        """
        There is more to be done: listen again.

        @param shown: which side's server is to show all that has come there.
        """
        reviews, self._reviews = self._reviews, {}
        for side, review in reviews.items():
            await review.done
            await self.select(side)
        if shown is not None and shown not in reviews:
            if self.sides[shown].client.outspoken:
                await self.sides[shown].client.catchUp()
            else:
                await self.select(shown)

    async def select(self, side: Side) -> None:
        """
        Select this mailbox on C{side} once more, if it is no other now, and listen.
        """
        this, opening = self.sides[side], self._opening
        now = await opening.select(this.client.open, side, None, this.reading)
        if now.mark.uidvalidity != this.selected.mark.uidvalidity:
            raise Displaced("it is another mailbox now; left alone", side)

    # This one

    def _renumbered(self, side: Side) -> bool:
        mark = self.known.marks.get(side)
        if mark is None:
            return False
        # No other name can be that of INBOX.
        another = self.name == INBOX and self._replaced(side)
        return another or self.sides[side].isRenumbered(mark)

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
        if not self.context.records.notes.pairedAnew(self.name):
            raise MailboxError("UIDVALIDITY changes all the time", renumbered[0])
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
            if self.known.alone is not None:
                self.state.setAlone(self.known.id, None)
            for side in Side:
                if side not in self.known.marks and side not in self.context.absent:
                    selected = self.sides[side].selected
                    start = Mark(selected.mark.uidvalidity, 1, 0)
                    self.state.setMark(self.known.id, side, start)
                    self.state.setIdentity(self.known.id, side, selected.identity)

    async def _listenToBoth(self) -> None:
        await onBoth(self._hear)
        waiting = set(Side)
        for side, this in self.sides.items():
            if not this.lapsed:
                continue
            await self._listen(side)
            waiting.discard(side)
            mark = self.known.marks.get(side)
            if mark and this.strange(mark) and side.other not in self.context.absent:
                # Perhaps not the server has lost track but the database: then what
                # has no entry on one side has none on the other.
                self.sides[side.other].lapse()
        await together([Deferred.fromCoroutine(self._listen(s)) for s in waiting])

    async def _hear(self, side: Side) -> None:
        this = self.sides[side]
        if not this.whole:
            await this.hear(self.known.marks.get(side), self.known.holds(side))
        # A dry run takes for done what was not.
        if not self.context.dryRun:
            odd = this.count(self.known.holds(side))
            if odd and self.context.records.notes.wonders():
                self.state.check()

    async def _listen(self, side: Side) -> None:
        this = self.sides[side]
        if this.whole:
            if not this.listed:
                await this.list()
        elif this.reading.again:
            await this.refusals.read(this.client, this.reading)
        this.changes = this.reading.take(this.selected.mark.modseq)
        this.new = this.changes.new

    async def _confirm(self, side: Side) -> None:
        if why := await self.sides[side].confirm(self.context.records.brake.lifted):
            self.trouble(why, side)

    def doomed(self, side: Side) -> UidSet:
        """
        The messages of C{side} that are gone from the other, and must go too.
        """
        policy = self.context.policy
        if policy.sparing or not policy.may(side, Act.EXPUNGE):
            return UidSet()
        folded = self.state.folded(self.known.id, side)
        return self.bereft(side) | (self.sides[side].reading.kept - folded)

    def bereft(self, side: Side) -> UidSet:
        """
        The messages of C{side} whose pairs are gone on the other.
        """
        policy = self.context.policy
        if policy.sparing and policy.may(side, Act.EXPUNGE):
            return UidSet()
        there = self.sides[side.other].gone
        doomed = self.state.partners(self.known.id, side.other, there, side)
        return doomed - self.sides[side].gone

    def place(self, side: Side) -> Place:
        """
        Where the UIDs of C{side} belong to.
        """
        uidvalidity = self.sides[side].selected.mark.uidvalidity
        return Place(self.known.id, side, uidvalidity)

    def source(self, side: Side) -> Source:
        """
        Where to fetch messages of C{side} from.
        """
        if side not in self._sources:
            suspects = self.context.records.suspects
            client = self.sides[side].client
            self._sources[side] = Source(client, suspects, self.place(side))
        return self._sources[side]

    def trash(self, side: Side) -> Trash | None:
        """
        Where to move messages of C{side}, rather than to expunge them; C{None}
        also if it is this mailbox.
        """
        trash = self.context.policy.trashes.get(side)
        return trash if trash and trash.spelled != self.context.names[side] else None

    def leave(self, side: Side) -> None:
        """
        What is left to do on C{side} is to be read again.
        """
        self.sides[side].undone = True

    def postpone(
        self, side: Side, uids: UidSet, text: str, code: str = "", tried: bool = True
    ) -> None:
        """
        What these messages of C{side} are, or show, was not carried over: it is
        tried again another time.
        """
        self.sides[side].refusals.postpone(uids, text, code, tried)
        self.trouble(text, side, uids, code)

    def settle(self, pairs: Sequence[Pair]) -> None:
        """
        These messages are on both sides now; none is refused any more.
        """
        for side in Side if self.known.retries else ():
            uids = UidSet.of([pair.uid(side) for pair in pairs])
            self.state.settle(self.known.id, side, uids)

    def trouble(
        self, text: str, side: Side | None = None, uids: UidSet = _NONE, code: str = ""
    ) -> None:
        """
        Something cannot be synced; the rest goes on.
        """
        trouble = Trouble(self.name, text, side, uids, code)
        self.context.records.report.trouble(trouble)

    def commit(self) -> Mapping[Side, Mark]:
        """
        All that was read is dealt with, but for what was left undone.

        @return: what the marks of both sides will be if nothing has happened but
            what was done here: then there need not be another look.  Empty if
            that cannot be said.
        """
        mailbox = self.known.id
        for side in Side:
            self._complain(side)
        with self.state.transaction():
            if not any(one.unfinished for one in self.sides.values()):
                self.state.noteSynced(mailbox)
            for side, this in self.sides.items():
                if not (this.reading.partial or self._mayDiffer(side)):
                    this.refusals.settle(this.reading, this.gone, this.undone)
                if not (this.undone or this.reading.partial):
                    self.state.setMark(mailbox, side, this.selected.mark)
                    self.state.forgetForetold(mailbox, side)
                    if lost := this.reading.keptNoMore:
                        self.state.keepNoMore(mailbox, side, lost)
                    before = self.state.strays(mailbox, side)
                    strays = this.strays(before, self._mayDiffer(side))
                    if strays != before:
                        self.state.setStrays(mailbox, side, strays)
                this.refusals.store()
                if not this.reading.partial:
                    _, copies = self._reviewed.get(side, (None, _NONE))
                    shown = this.reading.shownAtAll | copies
                    self.copies.seen(side, shown, side in self._reviewed)
                self.state.removePairs(mailbox, side, this.missing)
                identity = this.selected.identity
                if identity and identity != self.known.identities.get(side, ""):
                    self.state.setIdentity(mailbox, side, identity)
        return self._foreseen()

    def _complain(self, side: Side) -> None:
        """
        Name what C{side} told too late, or not at all, and have it be tried again.
        """
        this = self.sides[side]
        if late := this.reading.late.build():
            self.leave(side)
            self.trouble(f"flags of UID {late} were told too late", side)
        copies, other = this.missing, side.other
        originals = self.state.partners(self.known.id, side, copies, other)
        if left := originals - self.sides[other].gone:
            self.postpone(other, left, f"{side} {MISSING}")

    def _mayDiffer(self, side: Side) -> bool:
        """
        Whether C{side} may have what the other side has not, although all is done.
        """
        return not self.context.policy.may(side.other, Act.APPEND)

    def _foreseen(self) -> Mapping[Side, Mark]:
        """
        A server tells the mod-sequence of each change that it made for us.  If it
        has told of nothing else, that is what STATUS will tell, too.
        """
        foreseen: dict[Side, Mark] = {}
        for side, this in self.sides.items():
            mark = None if self._isWritten(side) else this.foreseen
            if side in self._reviewed:
                mark, _ = self._reviewed[side]
            if mark is not None and not (this.refusals or self._undone):
                foreseen[side] = mark
        return foreseen if len(foreseen) == len(Side) else {}
