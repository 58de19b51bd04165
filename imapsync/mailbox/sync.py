"""
One pass over one mailbox: read what changed on both sides, plan, perform, and
commit what the servers confirmed.

A pass may be cut off anywhere.  What was committed is true, what was not is
read again: the marks move last, and only past what was dealt with.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TypeVar

from imapsync.errors import MailboxError, ProtocolViolation, Refused
from imapsync.gather import onBoth
from imapsync.mailbox.appending import MESSAGES, Copied
from imapsync.mailbox.bothsides import Surroundings, Trash, View
from imapsync.mailbox.copying import Copier
from imapsync.mailbox.flags import CHUNK, carryFlags, plannedFor, touched
from imapsync.mailbox.pairing import matched
from imapsync.mailbox.removal import remove, thrown
from imapsync.mailbox.transfer import duplicates, rehearse
from imapsync.model import Flags, Known, Pair, Side
from imapsync.names import shown
from imapsync.plan.flags import Drift, Uids, common, same
from imapsync.plan.moves import Errand
from imapsync.uidset import UidSet

T = TypeVar("T")

#: So many messages are copied at a time.
STREAM = 20_000


class Pass:
    """
    One pass over the mailbox C{known}.

    @param again: whether to try once more what was postponed.
    @ivar errands: copies that a server can make by itself, found by L{run};
        another pass is to follow them.
    """

    def __init__(self, known: Known, around: Surroundings, again: bool) -> None:
        self._view = View(known, around, again)
        self._mailbox = known.id
        self._state = around.state
        self._policy = around.policy
        self._report = around.report
        self._achieved = 0
        self._removed: Counter[Side] = Counter()
        # Until their pairs are forgotten.
        self._expunged: dict[Side, UidSet] = {}
        self.errands: list[Errand] = []
        self._doubted = known.name in around.report.unproven

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
            doomed = {side: view.doomed(side) for side in Side}
            counts = {side: len(doomed[side]) for side in Side}
            with view.around.brake.due(counts) as self._removed:
                if self._policy.dryRun:
                    await self._rehearse()
                    return False
                await self._pair()
                for some in touched(view):
                    self._achieved += await carryFlags(view, some)
                try:
                    await onBoth(lambda side: self._expunge(side, doomed[side]))
                finally:
                    self._forget()
            for side in Side:
                await self._copy(side)
        except Refused as error:
            await view.openedAhead()
            raise MailboxError(str(error)) from error
        await view.openedAhead()
        view.commit()
        return self._achieved > 0 or bool(self.errands)

    async def survey(self) -> Counter[Side]:
        """
        How many messages a pass would remove now from each side.
        """
        try:
            usable = await self._view.read()
        except Refused as error:
            raise MailboxError(str(error)) from error
        return Counter({side: len(self._view.doomed(side)) for side in Side if usable})

    async def _pair(self) -> None:
        """
        Pair by content what is new on both sides.
        """
        view = self._view
        new = {side: view.sides[side].changes.new for side in Side}
        if not all(new.values()):
            return
        with contextlib.closing(await matched(view.around.clients, new)) as matcher:
            for some in _chunks(matcher.matches()):
                await self._paired(some)
            for side, this in view.sides.items():
                this.changes = this.changes._replace(new=matcher.unmatched(side))

    async def _paired(self, some: list[tuple[Pair, Flags]]) -> None:
        """
        Store pairs of equal messages, and give both the flags of either.
        """
        pairs = []
        differing: dict[Drift, list[Uids]] = {}
        foretold = {s: self._state.foretold(self._mailbox, s) for s in Side}
        for match, theirs in some:
            drift = _drift(match, theirs, foretold)
            pairs.append(match._replace(flags=drift.agreed))
            if not same(drift.local, drift.remote):
                differing.setdefault(drift, []).append((match.local, match.remote))
        with self._state.transaction():
            self._state.addPairs(self._mailbox, pairs)
        self._report.paired[self._view.name] += len(pairs)
        self._achieved += len(pairs)
        if differing:
            await carryFlags(self._view, differing)

    async def _expunge(self, side: Side, doomed: UidSet) -> None:
        """
        Remove from C{side} what is gone on the other.
        """
        for some, trash in self._sorted(side, doomed):
            await self._remove(side, some, trash)

    def _sorted(
        self, side: Side, doomed: UidSet
    ) -> Iterator[tuple[UidSet, Trash | None]]:
        """
        What is to go to the trash, and what is to go for good.
        """
        trash = self._view.trash(side)
        # What was moved is not thrown away: its copy is where it is to be.
        copied = self._report.superseded[self._view.name, side] & doomed
        if trash:
            copied |= thrown(self._state, self._mailbox, side, doomed, trash.name)
        yield doomed - copied, trash
        yield copied, None

    async def _remove(self, side: Side, doomed: UidSet, trash: Trash | None) -> None:
        view = self._view
        this = view.sides[side]
        if not doomed:
            return
        into = trash.spelled if trash else ""
        this.reading.expect(frozenset(doomed), doomed)
        left, refusal = await remove(
            this.client, this.selected, doomed, into, this.reading.expunged.build
        )
        if left:
            view.sides[side.other].undone = True
            what = f"move to {shown(into)}" if trash else "expunge"
            why = f": {refusal}" if refusal else ""
            view.trouble(f"{side}: would not {what} UID {left}{why}")
        this.reading.expect(())
        done = doomed - left
        self._expunged[side] = self._expunged.get(side, UidSet()) | done
        self._removed[side] += len(done)
        counter = self._report.trashed if trash else self._report.expunged
        counter[view.name, side] += len(done)
        self._achieved += len(done)

    def _forget(self) -> None:
        """
        Drop the pairs that are gone on both sides, be it by us.  If we are killed
        before, both servers tell again that the messages are gone.
        """
        ours, theirs = (self._view.sides[side].gone for side in Side)
        there = self._state.partners(self._mailbox, Side.LOCAL, ours, Side.REMOTE)
        both = there & theirs
        self._achieved += len(both)
        forgotten = [*self._expunged.items(), (Side.REMOTE, both)]
        if any(uids for _, uids in forgotten):
            # In one go: they are all over the database, most of which is written.
            with self._state.transaction():
                for side, uids in forgotten:
                    self._state.removePairs(self._mailbox, side, uids)

    async def _copy(self, side: Side) -> None:
        """
        Copy to C{side} what is new on the other.
        """
        view = self._view
        source, target = view.sides[side.other], view.sides[side]
        new = source.changes.new - self._leftOut(side.other)
        if not new or side in self._policy.readOnly:
            return
        if target.selected.readOnly:
            source.undone = True
            view.trouble(f"{side}: nothing can be written there")
            return
        if self._doubted:
            # What was copied before is not recognised: it would be copied again.
            source.undone = True
            view.trouble("a server changes what it takes, and tells no UIDs")
            return
        last = side is Side.REMOTE or not view.sides[Side.LOCAL].changes.new
        for some in (chunks := list(new.split(STREAM))):
            final = last and some is chunks[-1]
            try:
                rest = await self._foreign(side, some)
                await self._copySome(side, rest, final and not self.errands)
            except MailboxError as error:
                source.undone = True
                view.trouble(f"{side}: {error}")
                return
            if sum(len(errand.twins) for errand in self.errands) > STREAM:
                return  # the rest is found again, since something is undone

    async def _foreign(self, side: Side, uids: UidSet) -> UidSet:
        """
        Find what the server of C{side} can copy by itself.

        @return: the rest of C{uids}.
        """
        errands = await duplicates(self._view, side, uids)
        if errands:
            self._view.sides[side.other].undone = True
            self.errands += errands
        return uids - UidSet.of(uid for errand in errands for uid in errand.twins)

    async def _copySome(self, side: Side, uids: UidSet, ahead: bool) -> None:
        """
        @param ahead: whether nothing is to be done afterwards but to look again.
        """
        if not uids:
            return
        view = self._view
        source, target = view.sides[side.other], view.sides[side]
        outcome = _Copies(self, view, side)
        # One of these may be why a connection broke: it is found out by itself.
        suspects = uids & self._brokenOver(side.other, 1)
        clients = source.client, target.client
        if suspects:
            await Copier(*clients, target.selected, outcome, 1).copy(suspects)
        if rest := uids - suspects:
            then = view.openAhead if ahead and not outcome.lacking else None
            copier = Copier(*clients, target.selected, outcome, MESSAGES, then)
            await copier.copy(rest)
        if outcome.lacking:
            await view.resume()
            # One flag may have been too much for an APPEND: each by itself.
            await target.client.catchUp()
            await carryFlags(view, outcome.lacking)

    def _leftOut(self, side: Side) -> UidSet:
        """
        The messages of C{side} over which a connection has broken twice.
        """
        uids = self._brokenOver(side, 2)
        if uids:
            text = "not copied: the connection breaks over it"
            self._view.postpone(side, uids, text)
        return uids

    def _brokenOver(self, side: Side, atLeast: int) -> UidSet:
        return UidSet.of(
            uid
            for (name, where, uid), times in self._report.broken.items()
            if times >= atLeast and (name, where) == (self._view.name, side)
        )

    def copied(self, side: Side, messages: list[Copied]) -> None:
        """
        The server of C{side} has these messages now.
        """
        pairs = [_pairOf(one, side) for one in messages]
        try:
            with self._state.transaction():
                self._state.addPairs(self._mailbox, pairs)
        except ValueError as error:
            raise ProtocolViolation(
                f"{side}: APPENDUID names messages that were there before"
            ) from error
        self._report.copied[self._view.name, side] += len(pairs)
        self._achieved += len(pairs)

    def unproven(self, side: Side, count: int) -> None:
        """
        The server of C{side} took so many messages, but did not say which is
        which: the next pass pairs them by content.
        """
        view = self._view
        view.sides[side.other].undone = True
        self._report.unproven.add(view.name)
        self._achieved += count

    async def _rehearse(self) -> None:
        """
        Say what a pass would do.
        """
        view = self._view
        new = {side: view.sides[side].changes.new for side in Side}
        if all(new.values()):
            with contextlib.closing(await matched(view.around.clients, new)) as matcher:
                equal = sum(1 for _ in matcher.matches())
                self._say(f"pair {equal} messages that both sides hold")
                new = {side: matcher.unmatched(side) for side in Side}
        for some in touched(view):
            for store in plannedFor(view, some).stores:
                self._say(f"{store.side}: {store.sign}{store.flag} on UID {store.uids}")
        for side in Side:
            for uids, trash in self._sorted(side, view.doomed(side)):
                if uids and trash:
                    self._say(f"{side}: move UID {uids} to {shown(trash.spelled)}")
                elif uids:
                    self._say(f"{side}: expunge UID {uids}")
            if new[side] and side.other not in self._policy.readOnly:
                await self._rehearseCopying(side, new[side])

    async def _rehearseCopying(self, side: Side, new: UidSet) -> None:
        view = self._view
        for errand in await duplicates(view, side.other, new):
            rehearse(errand, view.around)
        if left := new - view.around.report.recognised[view.name, side]:
            self._say(f"copy UID {left} from {side} to {side.other}")

    def _say(self, text: str) -> None:
        self._view.around.say(f"{self._view.name}: {text}")


class _Copies:
    """
    What becomes of the messages copied to one side:
    L{imapsync.mailbox.appending.Outcome}.

    @ivar lacking: those that were not given all of their flags.
    """

    def __init__(self, into: Pass, view: View, side: Side) -> None:
        self.lacking: dict[Drift, list[Uids]] = {}
        self._into = into
        self._view = view
        self._side = side

    def copied(self, messages: list[Copied]) -> None:
        self._into.copied(self._side, messages)
        for one in messages:
            if not same(one.flags, one.given):
                ours, theirs = one.given, one.flags
                if self._side is Side.REMOTE:
                    ours, theirs = theirs, ours
                drift = Drift(one.given, ours, theirs)
                pair = _pairOf(one, self._side)
                self.lacking.setdefault(drift, []).append((pair.local, pair.remote))

    def unproven(self, count: int) -> None:
        self._into.unproven(self._side, count)

    def refused(self, uid: int, reason: str) -> None:
        uids = UidSet.of([uid])
        self._view.postpone(self._side.other, uids, f"not copied: {reason}")

    def undated(self, uid: int) -> None:
        source = self._side.other
        self._view.trouble(f"{source}: UID {uid}: copied without its INTERNALDATE")

    def broken(self, uids: list[int]) -> None:
        where = self._view.name, self._side.other
        self._view.around.report.broken.update((*where, uid) for uid in uids)


def _drift(
    match: Pair, theirs: Flags, foretold: Mapping[Side, Mapping[int, Flags | None]]
) -> Drift:
    """
    What has become of the flags of messages that were paired by content.

    @param match: with the local flags.
    @param theirs: the remote flags.
    @param foretold: see L{imapsync.state.interface.Leftovers.foretell}.
    """
    ours = match.flags
    agreed = common(ours, theirs)
    fresh = True
    for side, flags in foretold.items():
        uid = match.uid(side)
        if uid in flags and not same(ours, theirs):
            shown, before = (theirs if side is Side.LOCAL else ours), flags[uid]
            agreed = shown if before is None else common(before, shown)
            fresh = False
    return Drift(agreed, ours, theirs, fresh)


def _pairOf(one: Copied, into: Side) -> Pair:
    local, remote = one.target, one.source
    if into is Side.REMOTE:
        local, remote = remote, local
    return Pair(local, remote, one.given, one.key, one.size, one.stamp)


def _chunks(items: Iterable[T]) -> Iterator[list[T]]:
    several = iter(items)
    while some := list(islice(several, CHUNK)):
        yield some
