"""
One pass over one mailbox after another, until both sides are equal: read what
changed on both sides, plan, perform, and commit what the servers confirmed.

A pass may be cut off anywhere.  What was committed is true, what was not is
read again: the marks move last, and only past what was dealt with.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import islice

from imapsync.errors import MailboxError, Refused
from imapsync.mailbox.bothsides import BothSides
from imapsync.mailbox.context import Context
from imapsync.mailbox.echoes import echoes
from imapsync.mailbox.flags import CHUNK, touched
from imapsync.mailbox.identical import refused, spared
from imapsync.mailbox.kept import returned
from imapsync.mailbox.late import late
from imapsync.mailbox.pairing import dated, matched
from imapsync.mailbox.perform import Performer
from imapsync.mailbox.recognition import altered
from imapsync.mailbox.sizes import weigh
from imapsync.mailbox.suspects import MOST
from imapsync.mailbox.transfer import duplicates, known, suppose, transfer
from imapsync.mailbox.unkept import relearn
from imapsync.model import Act, Mark, Name, Side
from imapsync.plan.late import Withdraw
from imapsync.plan.messages import Arrived, Gone, News, planned
from imapsync.plan.moves import Transfer
from imapsync.plan.operations import HandOver, Keep
from imapsync.uidset import UidSet

#: So many messages are copied at a time.
STREAM = 20_000

#: If no more messages than that are tried again, since they were refused, each of
#: them is sent only when the server has said that it will have it.
CAREFUL = 100

#: So many passes over one mailbox, then it is the others' turn: one in which
#: messages arrive as fast as they are copied would never be done.
PASSES = 3


class MailboxSync:
    """
    Brings both sides of a mailbox to the same state.

    @param contextOf: the context of each mailbox.
    @param again: whether to try once more what was refused before.
    @ivar changed: whether that changed anything, so that another look may find
        more to do.
    @ivar foreseen: what the marks of both sides will be if nothing has happened
        but what was done here; empty if that cannot be said.
    """

    def __init__(
        self,
        name: Name,
        contextOf: Callable[[Name], Context],
        again: bool,
    ) -> None:
        self._name = name
        self._context = contextOf(name)
        self._contextOf = contextOf
        self._again = again
        self.changed = False
        self.foreseen: Mapping[Side, Mark] = {}

    async def run(self) -> None:
        """
        Do it.

        @raise MailboxError: this mailbox cannot be synced.
        @raise MassDeletion: nothing was removed, since too much would be.
        """
        for left in reversed(range(PASSES)):
            one = Pass(self._name, self._context, self._again, left > 0)
            changed = await one.run()
            self._again = self._again and one.overtaken
            if not (changed or one.overtaken or one.released):
                return
            self.changed = self.changed or changed or one.released
            for each in one.transfers:
                await transfer(each, self._contextOf(each.source), self._context)
            self.foreseen = one.foreseen
            if self.foreseen or one.released:
                return
            # Where there was more to do than it seemed, it is done to the end, and
            # nothing is relied on any more.
            self._context = self._context._replace(release=None, fresh=None)


class Pass:
    """
    One pass over a mailbox.

    @param anew: whether to leave it to the next to copy what may have come to the
        other side meanwhile.
    @ivar transfers: copies that a server can make by itself; another pass is to
        follow them.
    @ivar foreseen: see L{MailboxSync}.
    @ivar overtaken: whether something was left to the next.
    """

    _performer: Performer

    def __init__(
        self,
        name: Name,
        context: Context,
        again: bool,
        anew: bool = False,
    ) -> None:
        self._context = context
        self._anew = anew and context.records.notes.acquainted and not context.dryRun
        self.overtaken = False
        self._view = BothSides(known(name, context), context, again)
        self.transfers: list[Transfer] = []
        self.foreseen: Mapping[Side, Mark] = {}

    async def run(self) -> bool:
        """
        Bring both sides, as they are when the mailbox is selected, to the same
        state.

        @return: whether that changed anything, so that another pass may find
            more to do.
        @raise MailboxError: this mailbox cannot be synced.
        @raise MassDeletion: nothing was removed, since too much would be.
        """
        view = self._view
        try:
            if not await view.read():
                return True
            self._checkSuspects()
            await self._settle()
        except Refused as error:
            raise MailboxError(str(error), responseCode=error.responseCode) from error
        await view.reviewed()
        if self._context.dryRun:
            return False
        self.foreseen = view.commit()
        return self._performer.achieved > 0 or bool(self.transfers)

    @property
    def released(self) -> bool:
        """
        Whether the connections serve other mailboxes by now.
        """
        return self._view.released

    async def survey(self) -> Counter[Side]:
        """
        How many messages a pass would remove now from each side.
        """
        try:
            usable = await self._view.read()
        except Refused as error:
            raise MailboxError(str(error), responseCode=error.responseCode) from error
        return Counter({side: len(self._view.doomed(side)) for side in Side if usable})

    def _checkSuspects(self) -> None:
        suspects = self._context.records.suspects
        for side in Side:
            if len(suspects.leftOut(self._view.place(side))) >= MOST:
                text = "the connection breaks over message after message"
                raise MailboxError(text, side)

    async def _settle(self) -> None:
        """
        Plan and perform, portion by portion.
        """
        view = self._view
        bereft = {side: view.bereft(side) for side in Side}
        counts = {side: len(view.doomed(side)) for side in Side}
        with self._context.records.brake.due(counts) as removed:
            self._performer = Performer(view, removed)
            self.transfers = self._performer.transfers
            await self._keep(bereft)
            await self._pair()
            for this in view.sides.values():
                this.withhold()
            await self._withdraw()
            if relearn(view):
                self._performer.achieved += 1
                return
            for drifts in touched(view):
                await self._do(News(drifts=drifts))
            await self._do(
                News(
                    gone={side: await self._gone(side) for side in Side},
                    goneOnBoth=self._goneOnBoth(bereft),
                )
            )
        self._performer.foresee()
        for side in reversed(Side):
            await self._copy(side)

    async def _do(self, news: News, last: bool = False) -> None:
        """
        @param last: whether nothing is to be done afterwards but to look again.
        """
        context, name = self._context, self._view.name
        operations = [*planned(news, context.policy)]
        for operation in operations:
            if isinstance(operation, (Withdraw, Keep)):
                self._view.sides[operation.side].passOver(operation.uids)
            if not context.tell(name, operation):
                final = last and operation is operations[-1]
                await self._performer.perform(operation, final and not self.transfers)
            elif isinstance(operation, HandOver):
                for each in operation.transfers:
                    suppose(each, context)

    async def _pair(self) -> None:
        """
        Find what is new on both sides and equal by content.
        """
        view = self._view
        new = {side: view.sides[side].changes.new for side in Side}
        kept = await returned(view, new)
        new = {side: uids | kept[side] for side, uids in new.items()}
        if not all(new.values()):
            return
        await weigh(view, new)
        self._context.records.report.course.begins(view.name, "comparing")
        foretold = {s: view.state.foretold(view.known.id, s) for s in Side}
        copied = {side: view.copies.originals(side) for side in Side}
        sources = {side: view.source(side) for side in Side}
        with contextlib.closing(await matched(sources, new)) as matcher:
            matches = iter(matcher.matches())
            while some := list(islice(matches, CHUNK)):
                await self._do(News(some, foretold, copied, kept))
            for side, this in view.sides.items():
                unread = new[side] & sources[side].unread
                left = matcher.unmatched(side) | unread
                this.reading.kept -= kept[side] - left
                this.changes = this.changes._replace(new=left - kept[side])
        for side in Side:
            if some := await altered(view, side):
                await self._do(News(equal=some, foretold=foretold, copied=copied))
                for each, this in view.sides.items():
                    this.passOver(UidSet.of(pair.uid(each) for pair, _ in some))

    async def _withdraw(self) -> None:
        """
        Find what is ours of what is left, and was stored late.
        """
        for side in Side:
            if not self._context.policy.may(side, Act.APPEND):
                continue  # nothing there is a copy of ours
            if (found := await late(self._view, side)) is not None:
                await self._do(News(late={side: found}))

    async def _keep(self, bereft: Mapping[Side, UidSet]) -> None:
        """
        Leave alone what is gone from the other side, and may not be removed.
        """
        for side in self._context.policy.barring(Act.EXPUNGE):
            await self._do(News(gone={side: Gone(bereft[side])}))
            self._view.sides[side].reading.kept |= bereft[side]

    async def _gone(self, side: Side) -> Gone:
        """
        What is to go from C{side}, and which of it need not go to the trash.
        """
        doomed = self._view.doomed(side)
        view, trash = self._view, self._view.trash(side)
        if not (trash and doomed):
            return Gone(doomed)
        elsewhere = self._context.records.notes.superseded(view.name, side) & doomed
        elsewhere |= await spared(view, side, doomed - elsewhere, trash.name)
        return Gone(doomed, elsewhere, trash)

    def _goneOnBoth(self, bereft: Mapping[Side, UidSet]) -> UidSet:
        view, mailbox = self._view, self._view.known.id
        ours, theirs = (view.sides[side].gone for side in Side)
        if not theirs or len(ours) == len(bereft[Side.REMOTE]):
            return UidSet()
        there = view.state.partners(mailbox, Side.LOCAL, ours, Side.REMOTE) & theirs
        return view.state.partners(mailbox, Side.REMOTE, there, Side.LOCAL)

    async def _copy(self, side: Side) -> None:
        """
        Copy from C{side} to the other what is new.
        """
        context = self._context
        view, suspects = self._view, context.records.suspects
        uidnext = view.sides[side.other].selected.mark.uidnext
        new = view.sides[side].changes.new
        if context.dryRun:  # what was handed over counts as done
            new = context.records.notes.unasked(view.name, side, new)
        if not new:
            return
        place = view.place(side)
        try:
            suspects.quotas.check(side.other, view.known.id)
        except MailboxError as error:
            view.leave(side)
            context.records.report.failed(view.name, error)
            return
        new -= await self._doubles(side, new)
        hopeless = suspects.leftOut(place)
        careful = suspects.careful(place)
        if len(again := view.sides[side].refusals.tried) <= CAREFUL:
            careful |= again
        context.records.growth.begin(view.known.id, side.other, uidnext)
        last = side is Side.LOCAL or not view.sides[Side.LOCAL].changes.new
        for some in (chunks := list(new.split(STREAM))):
            arrived = Arrived(
                some,
                suspects=suspects.alone(place),
                careful=careful,
                refused=await refused(view, side, some),
                hopeless=hopeless & some,
                echoes=await echoes(view, side, some),
                writable=context.dryRun or not view.sides[side.other].selected.readOnly,
                unproven=suspects.unrecognised(place, some),
            )
            transfers = await self._transfers(side, arrived)
            if some is chunks[0] and await self._isOvertaken(side.other):
                view.leave(side)
                self.overtaken = True
                return
            news = News(arrived={side: arrived._replace(transfers=transfers)})
            try:
                await self._do(news, last and some is chunks[-1])
            except MailboxError as error:
                context.records.report.failed(view.name, error)
                return
            if not arrived.writable or self._bulk > STREAM:
                return  # the rest is found again, since something is undone

    async def _doubles(self, side: Side, new: UidSet) -> UidSet:
        """
        Leave alone those of the C{new} messages that the other side may have, where it
        could not be told by their content: its server cannot read some of its own, or
        ours could not read them a moment ago.  They arrived at the same time.
        """
        view, other = self._view, side.other
        suspects = self._context.records.suspects
        # Those that wait to be tried again are among them.
        there = view.sides[other].changes.new | view.sides[other].refusals.waiting
        hidden = view.source(other).unread | suspects.leftOut(view.place(other))
        doubles = await self._alike(side, new, hidden & there)
        doubles |= await self._alike(side, view.source(side).unread & new, there)
        if doubles:
            why = "not copied: it may be there, as one that cannot be read"
            await self._do(News(arrived={side: Arrived(doubles, doubtful=why)}))
        return doubles

    async def _alike(self, side: Side, ours: UidSet, theirs: UidSet) -> UidSet:
        """
        Those of C{ours} that arrived when some of C{theirs} did, on the other side.
        """
        if not (ours and theirs):
            return UidSet()
        clients = self._context.clients
        dates = set((await dated(clients[side.other], theirs)).values())
        known = await dated(clients[side], ours)
        return UidSet.of(uid for uid, date in known.items() if date in dates)

    async def _isOvertaken(self, side: Side) -> bool:
        """
        Whether more has come to C{side} since the look at it: it may be what is to
        be copied there, by another program.
        """
        selected = self._view.sides[side].selected
        may = self._context.policy.may(side, Act.APPEND)
        if selected.readOnly or not (self._anew and may):
            return False
        client = self._context.clients[side]
        try:
            status = await client.mailboxStatus(selected.name, "UIDNEXT")
        except Refused:
            return False
        return status.uidnext > selected.mark.uidnext

    async def _transfers(self, side: Side, arrived: Arrived) -> list[Transfer]:
        """
        What the other side's server can copy by itself.
        """
        if not arrived.writable:
            return []
        # A copy that a server makes shows the flags that the message has there.
        if not self._context.policy.may(side.other, Act.APPEND, Act.FLAGS):
            return []
        new = arrived.uids - arrived.hopeless - arrived.echoes - arrived.unproven
        return await duplicates(self._view, side.other, new) if new else []

    @property
    def _bulk(self) -> int:
        return sum(len(each.twins) for each in self.transfers)
