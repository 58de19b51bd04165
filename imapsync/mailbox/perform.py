"""
Doing what was planned about the messages of one mailbox, and committing what the
servers confirmed of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from imapsync.errors import Lost, MailboxError, Refused
from imapsync.gather import onBoth
from imapsync.imap.client import SyncClient
from imapsync.mailbox.bothsides import BothSides
from imapsync.mailbox.expunging import Expunger, giveBack
from imapsync.mailbox.flags import carryFlags
from imapsync.mailbox.merging import divided
from imapsync.mailbox.removal import remove
from imapsync.mailbox.strangers import trashed
from imapsync.mailbox.summary import Deed
from imapsync.model import Act, Side
from imapsync.names import shown
from imapsync.plan.flags import planFlags
from imapsync.plan.late import WHY, Withdraw
from imapsync.plan.moves import Transfer
from imapsync.plan.operations import (
    AddPairs,
    Copy,
    HandOver,
    Keep,
    Leave,
    Operation,
    Postpone,
    Remove,
    SetFlags,
)
from imapsync.uidset import UidSet

if TYPE_CHECKING:
    from imapsync.mailbox.dates import Dates


class Performer:
    """
    Performs one operation after another on a mailbox that is selected on both
    sides.

    @param removed: where to count the messages that were removed, by side.
    @ivar achieved: about how much was done.
    @ivar transfers: what is to be handed over when all else is done.
    """

    def __init__(self, view: BothSides, removed: Counter[Side]) -> None:
        self._view = view
        self._mailbox = view.known.id
        self._state = view.state
        self._report = view.context.records.report
        self._removed = removed
        self.achieved = 0
        self.transfers: list[Transfer] = []

    async def perform(self, operation: Operation, last: bool = False) -> None:
        """
        Do it.

        @param last: whether nothing is to be done afterwards but to look again.
        @raise MailboxError: it cannot be done, nor can what follows.
        """
        if isinstance(operation, Copy):
            await self._copy(operation, last)
        else:
            await _WAYS[type(operation)](self, operation)

    async def _addPairs(self, operation: AddPairs) -> None:
        with self._state.transaction():
            self._state.addPairs(self._mailbox, operation.pairs)
            self._view.settle(operation.pairs)
        pairs, records = operation.pairs, self._view.context.records
        for side in Side:
            place = self._view.place(side)
            uids = [pair.uid(side) for pair in pairs]
            if records.suspects.unrecognised(place, UidSet.of(uids)):
                records.growth.recognised(self._mailbox, pairs)
            records.suspects.passed(place, uids)
        self._report.joined(self._view.name, len(pairs))
        self.achieved += len(pairs)

    async def _setFlags(self, operation: SetFlags) -> None:
        self.achieved += await carryFlags(self._view, operation)

    async def _handOver(self, operation: HandOver) -> None:
        # It selects other mailboxes, and so must wait.
        for transfer in operation.transfers:
            self._view.leave(transfer.side.other)
            self.transfers.append(transfer)

    async def _postpone(self, operation: Postpone) -> None:
        self._view.postpone(*operation)

    async def _leave(self, operation: Leave) -> None:
        self._view.leave(operation.side)
        self._view.trouble(operation.why, operation.blame)

    # Removal

    async def _remove(self, operation: Remove) -> None:
        """
        Pairs are forgotten in the end.  If we are killed before, both servers tell
        again that the messages are gone.
        """
        gone: dict[Side, UidSet] = {}

        async def onSide(side: Side) -> None:
            gone[side] = UidSet()
            uids, trash = operation.discarded.get(side, (UidSet(), None))
            if trash:
                gone[side] |= await self._removeSome(side, uids, trash.spelled)
            if some := operation.expunged.get(side):
                gone[side] |= await self._removeSome(side, some)

        try:
            await onBoth(onSide)
        finally:
            self._forget(gone, operation.forgotten)

    async def _removeSome(self, side: Side, uids: UidSet, trash: str = "") -> UidSet:
        """
        @param trash: what the server calls it; to go for good if empty.
        @return: those that are gone.
        """
        done = await self._take(side, uids, trash)
        if len(done) < len(uids):
            self._view.leave(side.other)
        self._removed[side] += len(done)
        deed: Deed = "moved to the trash" if trash else "expunged"
        self._report.did(deed, self._view.name, side, len(done))
        self.achieved += len(done)
        return done

    async def _take(self, side: Side, uids: UidSet, trash: str = "") -> UidSet:
        """
        The same, for whatever reason.
        """
        view = self._view
        this = view.sides[side]
        this.reading.expect(frozenset(uids), uids)
        expunger = Expunger(this.client, self._state, view.place(side))
        here = this.client, this.selected, uids, expunger.expunge
        left, refusal = await remove(*here, trash, this.reading.expunged.build)
        self._giveBack(side, expunger.taken - this.absent)
        if left and refusal:
            left -= await self._removeFound(side, left, trash)
        if left:
            what = f"move to {shown(trash)}" if trash else "expunge"
            why = f": {refusal}" if refusal else ""
            view.trouble(f"would not {what} UID {left}{why}", side)
        this.reading.expect(())
        if done := uids - left:
            view.context.records.suspects.quotas.freed(side)
        return done

    def _giveBack(self, side: Side, taken: UidSet) -> None:
        """
        These were expunged along with ours, and nobody wanted that: they are copied
        once more.
        """
        if not taken:
            return
        view = self._view
        with self._state.transaction():
            originals = giveBack(self._state, self._mailbox, side, taken)
            self._recall({side.other: originals})
        view.log.warn(
            "{name}: {side} has expunged UID {uids} as well, marked by others in that"
            " moment; copying them back.",
            name=shown(view.name),
            side=side,
            uids=taken,
        )

    def _recall(self, messages: Mapping[Side, UidSet]) -> None:
        """
        The other side has these no more: they are copied though the mark has passed
        them.  It is called within a transaction.
        """
        for side, uids in messages.items():
            this = self._view.sides[side]
            if there := uids - this.absent:
                self._state.postpone(self._mailbox, side, there, "gone, unwanted")
                self._view.known = self._view.known._replace(retries=True)
                new = this.changes.new | there
                this.changes = this.changes._replace(new=new)

    async def _withdraw(self, operation: Withdraw) -> None:
        """
        No removal counts that a user would miss: the same is there.
        """
        view, side, copies = self._view, operation.side, operation.copies
        view.copies.withdraw(copies)
        done = await self._take(side, operation.uids)
        if len(done) < len(copies):
            view.leave(side)
        over = [number for number, uid in copies.items() if uid in done]
        view.copies.withdrawn(side.other, over)
        self.achieved += len(over)
        text = "{name}: {side}: expunged UID {uids}: {why}."
        view.log.info(text, name=shown(view.name), side=side, uids=done, why=WHY)

    async def _removeFound(self, side: Side, uids: UidSet, trash: str) -> UidSet:
        """
        Expunge what is in the trash, though it was refused there.

        @return: those that are gone.
        """
        view, this = self._view, self._view.sides[side]
        pairs = self._state.pairs(self._mailbox, side, uids)
        keys = {pair.uid(side): pair.key for pair in pairs if pair.key}
        try:
            there = await trashed(this.client, trash, keys)
        except Refused:
            there = UidSet()
        await view.select(side)
        if there:
            expunger = Expunger(this.client, self._state, view.place(side))
            left, _ = await remove(this.client, this.selected, there, expunger.expunge)
            self._giveBack(side, expunger.taken - this.absent)
            there -= left
        return there

    def _forget(self, gone: Mapping[Side, UidSet], before: UidSet) -> None:
        """
        Drop the pairs of messages that are gone from both sides.

        @param before: local UIDs of those that were gone without us.
        """
        self.achieved += len(before)
        forgotten = [*gone.items(), (Side.LOCAL, before)]
        if any(uids for _, uids in forgotten):
            # In one go: they are all over the database, most of which is written.
            with self._state.transaction():
                for side, uids in forgotten:
                    self._state.removePairs(self._mailbox, side, uids)
                    self._state.settle(self._mailbox, side, uids)
                    self._state.keepNoMore(self._mailbox, side, uids)
                self._recall(divided(self._state, self._mailbox))

    async def _keep(self, operation: Keep) -> None:
        """
        It is not asked about again.
        """
        side, uids, marked = operation
        if marked:
            await self._mark(side, uids)
        uidvalidity = self._view.sides[side].selected.mark.uidvalidity
        with self._state.transaction():
            self._state.keep(self._mailbox, side, uidvalidity, uids)
            self._state.removePairs(self._mailbox, side, uids)
            self._state.settle(self._mailbox, side, uids)

    async def _mark(self, side: Side, uids: UidSet) -> None:
        """
        Mark what is not expunged.
        """
        this = self._view.sides[side]
        if not this.selected.keeps("\\Deleted"):
            return
        this.reading.expect(frozenset(uids))
        try:
            await this.client.store(uids, "+", frozenset(("\\Deleted",)))
        except Refused as error:
            text = f"would not mark UID {uids} \\Deleted: {error}"
            self._view.trouble(text, side, code=error.responseCode)
        else:
            self._report.did("flagged", self._view.name, side, len(uids))
        this.reading.expect(())

    # Copying

    def foresee(self) -> None:
        """
        All that is new on one side, and not on the other, is to be copied.
        """
        view, context = self._view, self._view.context
        if context.dryRun:
            return
        counts = {
            side.other: len(this.changes.new)
            for side, this in view.sides.items()
            if context.policy.may(side.other, Act.APPEND)
        }
        self._report.course.copies(view.name, counts)

    async def _copy(self, operation: Copy, last: bool) -> None:
        # Imported here, because flags and removals need none of it.
        from imapsync.mailbox.appending import MESSAGES
        from imapsync.mailbox.arrivals import Arrivals
        from imapsync.mailbox.copying import Copier
        from imapsync.mailbox.dates import Dates

        view = self._view
        source, target = view.sides[operation.side], view.sides[operation.side.other]
        dates = Dates(view, operation.side.other)
        outcome = Arrivals(view, operation.side.other, dates)
        further = view.context.further
        # Else what was copied is to be looked for.
        told = "UIDPLUS" in target.client.features
        copier = Copier(
            source.client,
            target.client,
            target.selected,
            outcome,
            1 if operation.singly else MESSAGES,
            operation.careful,
            await target.client.appendLimit(target.selected.name),
            partial(self._sent, target.client, dates) if last and told else None,
            None if further is None else (further, operation.side.other),
        )
        course, way = self._report.course, (view.name, operation.side.other)
        course.sends(*way, copier.queue)
        try:
            await copier.copy(operation.uids)
        except MailboxError as error:
            view.leave(operation.side)
            raise MailboxError(
                error.text, operation.side.other, error.responseCode
            ) from error
        except Lost as error:
            if error.blameless:
                view.context.records.suspects.interrupted()
            raise
        finally:
            outcome.end()
            self.achieved += outcome.achieved
            course.sent(*way)
            view.copies.settle(operation.side, copier.queue.unsent | outcome.unstored)
        if copier.left:
            view.leave(operation.side)
        await dates.prove()
        self.achieved += await outcome.finish()
        if outcome.lacking:
            await view.resume()
            # One flag may have been too much for an APPEND: each by itself.
            await target.client.catchUp()
            policy = view.context.policy
            plan = planFlags(outcome.lacking, policy.merge, policy.barring(Act.FLAGS))
            await carryFlags(view, SetFlags(outcome.lacking, plan))

    def _sent(self, target: SyncClient, dates: Dates) -> bool:
        """
        All was sent to C{target}.

        @return: whether the connections serve other mailboxes now.
        """
        view = self._view
        # What was refused before is likely to be so again, and to be named then.
        released = view.review(target.keepsDates and not view.known.retries)
        dates.ask()
        return released


_WAYS: Mapping[type, Callable[[Performer, Any], Awaitable[None]]] = {
    AddPairs: Performer._addPairs,
    Withdraw: Performer._withdraw,
    SetFlags: Performer._setFlags,
    Remove: Performer._remove,
    Keep: Performer._keep,
    HandOver: Performer._handOver,
    Postpone: Performer._postpone,
    Leave: Performer._leave,
}
