"""
What becomes of the messages that are copied to one side: L{Arrivals}.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from imapsync.errors import Refused
from imapsync.mailbox import merging
from imapsync.mailbox.bothsides import BothSides
from imapsync.mailbox.dates import Dates
from imapsync.mailbox.outcome import Copied
from imapsync.mailbox.recognition import found, unweighed
from imapsync.mailbox.sizes import Missized, judged
from imapsync.mailbox.strangers import strangers
from imapsync.mailbox.unkept import note, unkept
from imapsync.model import Given, Pair, Side
from imapsync.plan.flags import Drift, Uids, same, without
from imapsync.uidset import UidSet


class Arrivals:
    """
    What becomes of the messages copied to one side:
    L{imapsync.mailbox.outcome.Outcome}.

    @param dates: is told which dates they were given.
    @ivar achieved: about how much was done.
    @ivar lacking: those that were not given all of their flags.
    @ivar unstored: those that were refused.
    """

    def __init__(self, view: BothSides, side: Side, dates: Dates) -> None:
        self.achieved = 0
        self.lacking: dict[Drift, list[Uids]] = {}
        self.unstored = UidSet()
        self._crowded: dict[int, tuple[str, str]] = {}
        self._quotas = view.context.records.suspects.quotas
        self._missized: list[Missized] = []
        self._merged: list[Copied] = []
        self._copied = 0
        self._dates = dates
        self._view = view
        self._side = side

    def begins(self, uids: UidSet) -> None:
        into = self._view.sides[self._side].selected.mark
        self._view.copies.begin(self._side.other, uids, into.uidnext)

    def copied(self, messages: list[Copied]) -> None:
        self._quotas.took(self._side, self._view.known.id)
        self.end()  # there is room for others
        if not self._commit(messages):
            return
        self._dates.given(messages)
        for one in messages:
            if one.flags is not one.given and not same(one.flags, one.given):
                lost = without(one.flags, one.given)
                forgone = unkept(self._view, self._side, lost)
                note(self._view, self._side, forgone)
                if not without(lost, forgone):
                    continue
                ours, theirs = one.given, without(one.flags, forgone)
                if self._side is Side.REMOTE:
                    ours, theirs = theirs, ours
                drift = Drift(one.given, ours, theirs)
                [pair] = pairsOf([one], self._side)
                self.lacking.setdefault(drift, []).append(pair[:2])

    def _commit(self, messages: list[Copied]) -> bool:
        """
        The server has these messages now.

        @return: whether it can be as it says.
        """
        view, side, records = self._view, self._side, self._view.context.records
        pairs = pairsOf(messages, side)
        sources = [one.source for one in messages]
        given = ((one.source, Given(one.given, one.date)) for one in messages)
        try:
            with view.state.transaction():
                view.state.addPairs(view.known.id, pairs)
                view.settle(pairs)
                view.copies.given(side.other, given)
        except ValueError:
            # APPENDUID names messages that were there before: it is a hint and no
            # more.
            self._doubt(messages)
            return False
        records.growth.copied(view.known.id, side, pairs)
        records.suspects.passed(view.place(side.other), sources)
        records.report.did("copied", view.name, side, len(pairs))
        octets = sum(one.size for one in messages)
        records.report.course.did(view.name, side, len(pairs), octets)
        self.achieved += len(pairs)
        self._copied += len(pairs)
        return True

    def _doubt(self, messages: list[Copied]) -> None:
        """
        Some have UIDs that have pairs already: perhaps they are the same.
        """
        side, targets = self._side, UidSet.of(one.target for one in messages)
        known = {*self._view.sides[side].reading.paired(targets)}
        others: list[Copied] = []
        for one in messages:
            (self._merged if one.target in known else others).append(one)
            known.add(one.target)
        if len(others) < len(messages):
            self._view.leave(side.other)  # they are looked at without haste
            self._commit(others)
        else:
            self.unproven([one.source for one in others])

    async def _settle(self) -> None:
        merged, self._merged = self._merged, []
        if not merged:
            return
        if self._view.released:
            # They are sent once more when there is time to look.
            self._view.leave(self._side.other)
            self.achieved += len(merged)
            return
        try:
            stored, left = await merging.merged(self._view, self._side, merged)
        except Refused:
            stored, left = (), [one.source for one in merged]
        if stored:
            self.copied([*stored])
        if left:
            self.unproven([*left])

    async def strangers(self, doubted: Sequence[Copied]) -> Mapping[int, bytes]:
        keys = await strangers(self._view, self._side)
        return await unweighed(self._view, self._side, doubted, keys)

    async def found(
        self, untold: Sequence[Copied], guess: bool = False
    ) -> Sequence[Copied]:
        return await found(self._view, self._side, untold, guess)

    def parted(self, uids: list[int]) -> None:
        # The next pass looks whether they have come, and else sends them again.
        self._view.leave(self._side.other)
        self.achieved += len(uids)

    def unproven(self, uids: list[int]) -> None:
        # The next pass pairs them by content.
        view, records = self._view, self._view.context.records
        view.leave(self._side.other)
        records.suspects.unproven(view.place(self._side.other), uids)
        records.report.course.did(view.name, self._side, len(uids), 0)
        self.achieved += len(uids)

    def refused(self, uid: int, reason: str, code: str = "") -> None:
        view, side = self._view, self._side.other
        self.unstored |= UidSet.of([uid])
        view.context.records.suspects.refused(view.place(side), uid, reason, code)
        view.postpone(side, UidSet.of([uid]), f"not copied: {reason}", code)

    def isFull(self, refusals: int) -> bool:
        return refusals >= self._quotas.enough(self._side)

    def full(self, uid: int, reason: str, code: str = "") -> None:
        self._crowded[uid] = reason, code
        self.unstored |= UidSet.of([uid])
        self._quotas.refused(self._side, self._view.known.id, reason)
        if self._quotas.isFull(self._side, self._view.known.id):
            self._crowded.clear()  # they are left alone as all others are
            self._quotas.check(self._side, self._view.known.id)

    def end(self) -> None:
        """
        Nothing follows that could show whether there is room for others.
        """
        crowded, self._crowded = self._crowded, {}
        for uid, why in crowded.items():
            self.refused(uid, *why)

    def undated(self, uid: int) -> None:
        text = "copied without its INTERNALDATE"
        self._view.trouble(text, self._side.other, UidSet.of([uid]))

    def misread(self, uids: list[int], reason: str) -> None:
        view, side = self._view, self._side.other
        self.doubted(uids)
        view.log.warn(
            "{name}: {side}: UID {uids} may have been taken for commands, and will be"
            " sent only when asked for: {reason}",
            name=view.name,
            side=side,
            uids=UidSet.of(uids),
            reason=reason,
        )

    def missized(self, uid: int, octets: int, size: int) -> None:
        self._missized.append(Missized(uid, octets, size))

    async def finish(self) -> int:
        """
        All were copied: see to what is odd, and name those that came short.

        @return: about how much more was done.
        """
        before = self.achieved
        await self._settle()
        side = self._side.other
        named = await judged(self._view, side, self._missized, self._copied)
        for uid, octets, size in named:
            if octets < size:
                text = f"copied, but it has {octets} octets only, not {size}"
                self._view.trouble(text, side, UidSet.of([uid]))
        return self.achieved - before

    def doubted(self, uids: list[int]) -> None:
        suspects = self._view.context.records.suspects
        suspects.askFirst(self._view.place(self._side.other), uids)

    def broken(self, uids: list[int]) -> None:
        suspects = self._view.context.records.suspects
        suspects.brokeOver(self._view.place(self._side.other), uids)


def pairsOf(messages: list[Copied], into: Side) -> list[Pair]:
    if into is Side.LOCAL:
        return [
            Pair(target, source, given, key, size, stamp)
            for source, target, _, given, key, size, stamp, _, _ in messages
        ]
    return [
        Pair(source, target, given, key, size, stamp)
        for source, target, _, given, key, size, stamp, _, _ in messages
    ]
