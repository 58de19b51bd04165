"""
What becomes of the messages that are copied to one side: L{Arrivals}.
"""

from __future__ import annotations

from imapsync.mailbox.bothsides import BothSides
from imapsync.mailbox.dates import Dates
from imapsync.mailbox.outcome import Copied
from imapsync.mailbox.strangers import strangers
from imapsync.model import Given, Pair, Side
from imapsync.plan.flags import Drift, Uids, same
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
        self._dates = dates
        self._view = view
        self._side = side

    def begins(self, uids: UidSet) -> None:
        self._view.copies.begin(self._side.other, uids)

    def copied(self, messages: list[Copied]) -> None:
        self._quotas.took(self._side, self._view.known.id)
        self.end()  # there is room for others
        if not self._commit(messages):
            return
        self._dates.given(messages)
        for one in messages:
            if one.flags is not one.given and not same(one.flags, one.given):
                ours, theirs = one.given, one.flags
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
            self.unproven(sources)
            return False
        records.growth.copied(view.known.id, side, pairs)
        records.suspects.passed(view.place(side.other), sources)
        records.report.did("copied", view.name, side, len(pairs))
        octets = sum(one.size for one in messages)
        records.report.course.did(view.name, side, len(pairs), octets)
        self.achieved += len(pairs)
        return True

    async def strangers(self) -> dict[int, bytes]:
        return await strangers(self._view, self._side)

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

    def short(self, uid: int, octets: int, size: int) -> None:
        text = f"copied, but it has {octets} octets only, not {size}"
        self._view.trouble(text, self._side.other, UidSet.of([uid]))

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
