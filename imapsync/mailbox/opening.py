"""
Selecting one mailbox on both sides: L{Opening}.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from imapsync.errors import Refused
from imapsync.imap.commands.limited import ALL
from imapsync.imap.commands.mailbox import MailboxListener, Selected
from imapsync.mailbox.changes import Reading
from imapsync.mailbox.context import Context, heed
from imapsync.mailbox.expunging import Expunger
from imapsync.mailbox.inventory import fitsInLine
from imapsync.mailbox.oneside import OneSide, unusable
from imapsync.mailbox.refusals import Refusals
from imapsync.mailbox.suspects import Place
from imapsync.model import Known, Mark, Side
from imapsync.plan.fresh import Fresh
from imapsync.uidset import UidSet

#: How a client selects a mailbox.
Way = Callable[[str, Mark | None, MailboxListener, bool], Deferred[Selected]]


class Opening:
    """
    Selects the mailbox C{known}.

    @param again: whether to try once more what was refused, as for
        L{imapsync.mailbox.bothsides.BothSides}.
    @ivar ahead: what was relied on before the server has told it, if anything was.
    """

    def __init__(self, known: Known, context: Context, again: bool) -> None:
        self._known = known
        self._context = context
        self._again = again
        heed(context.clients, context.state)
        self.ahead: Fresh | None = None
        self._entering: Deferred[Selected | None] | None = None

    async def open(self, side: Side) -> OneSide:
        """
        Select it, and have told what is new, or all.

        @raise MailboxError: it cannot be synced.
        """
        known, context = self._known, self._context
        mark = known.marks.get(side)
        client = context.clients[side]
        refusals = Refusals(context.state, known.id, side)
        if side in context.absent:
            reading = Reading(context.state, known.id, side, None)
            selected = Selected(context.names[side])
            return OneSide(side, client, reading, selected, refusals, False, False)
        reading = Reading(context.state, known.id, side, mark)
        if lists := client.listsAll(mark):
            reading.listAll()
        if known.retries:
            refusals.recall(reading, self._again)
        try:
            selected, found = await self._selected(side, reading)
        except Refused as error:
            raise unusable(side, error) from error
        if await self._restored(side, selected):
            return await self.open(side)
        this = OneSide.of(side, client, reading, selected, refusals, mark)
        if mark is None:
            await this.list(unknown=not known.pairs, found=found)
        elif lists:
            await this.complete()
        return this

    async def _restored(self, side: Side, selected: Selected) -> bool:
        """
        Have others' marks put back that a run took off, and did not live to do so:
        that is not to be taken for a change.

        @return: whether there were any.
        """
        context = self._context
        place = Place(self._known.id, side, selected.mark.uidvalidity)
        if selected.readOnly or context.dryRun or not context.state.spared(*place):
            return False
        await Expunger(context.clients[side], context.state, place).restore()
        return True

    async def _selected(
        self, side: Side, reading: Reading
    ) -> tuple[Selected, Deferred[UidSet | None] | None]:
        """
        @return: what was selected; and what will tell the messages that are in it, if
            that was asked along.
        """
        context, client = self._context, self._context.clients[side]
        mark = self._known.marks.get(side)
        fresh = None if self._known.marks else context.fresh
        if fresh is None:
            return await self.select(client.open, side, mark, reading), None
        entering = self.select(client.enter, side, mark, reading)
        # What fails here is tried again by whoever needs it, and fails again.
        if fresh.side is side:
            self.ahead, self._entering = fresh, entering.addErrback(_nothing)
            return Selected(context.names[side], fresh.mark), None
        if not fitsInLine(client, fresh.source.uidnext):
            return await entering, None
        found = client.exists(ALL).addErrback(_nothing)
        return await entering, found

    async def entered(self) -> Selected | None:
        """
        Wait until the server has told what was relied on.

        @return: C{None} if it has told otherwise.
        """
        told = self._entering and await self._entering
        if not (told and self.ahead):
            return None
        uidnext = told.mark.uidnext or self.ahead.mark.uidnext  # some do not tell it
        if told.mark._replace(uidnext=uidnext) != self.ahead.mark:
            return None
        odd = told.exists or told.partial or told.readOnly or not told.persistent
        return None if odd else told

    def select(
        self, way: Way, side: Side, mark: Mark | None, reading: Reading
    ) -> Deferred[Selected]:
        """
        Select it on one side.

        @param mark: up to which nothing is to be told.
        """
        context = self._context
        writable = context.policy.writes(side) and not context.dryRun
        return way(context.names[side], mark, reading, writable)


def _nothing(_: Failure) -> None:
    """
    What is left of a failure.
    """
