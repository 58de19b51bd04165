"""
What is to be done about the messages of one mailbox: the whole of it.

L{planned} takes a portion of what was read, as much as is held at a time, and says
what to do about it, in order.  Whoever does that adds no decision of its own; a dry
run says it instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from imapsync.model import EVERYTHING, Act, Allowed, Flags, Pair, Side
from imapsync.plan.flags import (
    Drift,
    Drifts,
    Uids,
    common,
    planFlags,
    same,
)
from imapsync.plan.late import Late, withdrawals
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
    Trash,
)
from imapsync.plan.refusals import Why
from imapsync.uidset import UidSet

_NOTHING: Mapping[Side, UidSet] = MappingProxyType({})

_ECHO = (
    "another program copied the same there at the same time, and is waited for; let"
    " only one imapsync, with one database, work on these accounts"
)


UNPROVEN = (
    "the other side said that it had stored it, tells no UIDs, and has nothing that is"
    " like it"
)


class Policy(NamedTuple):
    """
    What the user wants of every mailbox.

    @ivar merge: settle flags that changed on both sides one by one, instead
        of by their union.
    @ivar allowed: what may be done on a side, if not everything.
    @ivar trashes: of the sides that have one.
    @ivar sparing: whether nothing is removed anywhere.
    @ivar marking: the sides on which messages that would be expunged are only marked
        C{\\Deleted}.
    """

    merge: bool = False
    allowed: Mapping[Side, Allowed] = MappingProxyType({})
    trashes: Mapping[Side, Trash] = MappingProxyType({})
    sparing: bool = False
    marking: frozenset[Side] = frozenset()

    def may(self, side: Side, *acts: Act) -> bool:
        """
        Whether all of this may be done on C{side}.
        """
        return set(acts).issubset(self.allowed.get(side, EVERYTHING))

    def writes(self, side: Side) -> bool:
        """
        Whether anything may be done there.
        """
        return bool(self.allowed.get(side, EVERYTHING))

    def barring(self, act: Act) -> frozenset[Side]:
        """
        The sides on which this may not be done.
        """
        return frozenset(side for side in Side if not self.may(side, act))


# What was read


#: A message that is new on both sides and equal by content: its pair, with the
#: local flags, and the remote ones.
Equal = tuple[Pair, Flags]

#: By UID, the flags that both sides agree on if a server has brought the message
#: there by itself; C{None}: those that it shows there.
Foretold = Mapping[int, Flags | None]


class Gone(NamedTuple):
    """
    Messages that are to go from one side.

    @ivar uids: those whose partners are gone on the other side.
    @ivar elsewhere: those of them whose like is where it is to be: moved, or in
        the trash already.
    @ivar trash: where to move the others; C{None} if there is none.
    """

    uids: UidSet
    elsewhere: UidSet = UidSet()
    trash: Trash | None = None


class Arrived(NamedTuple):
    """
    Messages that are new on one side, and not on the other.

    @ivar transfers: what the other side's server can copy by itself, since both
        sides have equal messages elsewhere.
    @ivar suspects: over one of these, a connection may have broken.
    @ivar hopeless: over these, it has broken again and again.
    @ivar echoes: these are left to another program, which has made them.
    @ivar writable: whether the mailbox can be written on the other side.
    @ivar unproven: their server there said that it had stored these, and they were
        not recognised: they might be copied twice.
    @ivar careful: they were refused before, or even taken for commands.
    @ivar doubtful: why they may be on the other side after all; empty if not.
    @ivar refused: why they were refused a moment ago, and with which response code.
    """

    uids: UidSet
    transfers: Sequence[Transfer] = ()
    suspects: UidSet = UidSet()
    hopeless: UidSet = UidSet()
    echoes: UidSet = UidSet()
    writable: bool = True
    unproven: UidSet = UidSet()
    careful: UidSet = UidSet()
    doubtful: str = ""
    refused: Mapping[int, Why] = MappingProxyType({})


class News(NamedTuple):
    """
    A portion of what was read of a mailbox.

    @ivar foretold: of the equal ones, by side.
    @ivar copied: those whose equals are copies that we made of them, by side.
    @ivar returned: those that had stayed alone, by the side on which they did.
    @ivar late: what may have come late, by the side on which it is.
    @ivar drifts: known messages whose flags have changed.
    @ivar gone: by the side from which they are to go, if they may.
    @ivar goneOnBoth: local UIDs of messages that are gone from both sides.
    @ivar arrived: by the side on which they are.
    """

    equal: Sequence[Equal] = ()
    foretold: Mapping[Side, Foretold] = MappingProxyType({})
    copied: Mapping[Side, UidSet] = _NOTHING
    returned: Mapping[Side, UidSet] = _NOTHING
    late: Mapping[Side, Late] = MappingProxyType({})
    drifts: Drifts = MappingProxyType({})
    gone: Mapping[Side, Gone] = MappingProxyType({})
    goneOnBoth: UidSet = UidSet()
    arrived: Mapping[Side, Arrived] = MappingProxyType({})


def planned(news: News, policy: Policy) -> Iterator[Operation]:
    """
    What to do about a portion of what was read.
    """
    # What both sides hold is recognised before anything is copied.
    if news.equal:
        drifts, pairs = _met(news)
        yield AddPairs(pairs)
        yield from _flags(drifts, policy)
    # What we sent twice, and a server stored late, is there once too often.
    for withdrawal in withdrawals(news.late):
        side = withdrawal.side
        may = policy.may(side, Act.EXPUNGE)
        marking = side in policy.marking
        yield withdrawal if may else Keep(side, withdrawal.uids, marking)
    # Each flag that changed on one side is changed on the other.
    yield from _flags(news.drifts, policy)
    # What is gone from one side goes from the other, whatever its flags; or it stays
    # there alone.
    gone = {s: g for s, g in news.gone.items() if policy.may(s, Act.EXPUNGE)}
    if any(one.uids for one in gone.values()) or news.goneOnBoth:
        yield _removal(gone, news.goneOnBoth)
    for side in news.gone.keys() - gone.keys():
        if uids := news.gone[side].uids:
            yield Keep(side, uids, side in policy.marking)
    # What is left is new, and is copied; by the other side's server itself, if it
    # has the like of it.
    for side, arrived in news.arrived.items():
        if arrived.uids and policy.may(side.other, Act.APPEND):
            yield from _copies(side, arrived)


def _met(news: News) -> tuple[Drifts, Sequence[Pair]]:
    """
    The pairs of equal messages, and those of them whose flags are not the same.
    """
    pairs: list[Pair] = []
    drifts: dict[Drift, list[Uids]] = {}
    for pair, theirs in news.equal:
        ours = agreed = pair.flags
        if not same(ours, theirs):
            drift = _sighted(news, pair, theirs)
            agreed = drift.agreed
            drifts.setdefault(drift, []).append((pair.local, pair.remote))
        pairs.append(pair._replace(flags=agreed))
    return drifts, pairs


def _sighted(news: News, pair: Pair, theirs: Flags) -> Drift:
    """
    What has become of flags that differ when the pair is found.
    """
    drift = Drift(common(pair.flags, theirs), pair.flags, theirs, fresh=True)
    for side, uids in news.copied.items():
        if pair.uid(side) in uids:
            copy = side.other
            agreed = drift.shows(copy)
            drift = drift._replace(agreed=agreed, fresh=False, copy=copy)
    for side, flags in news.foretold.items():
        if (uid := pair.uid(side)) in flags:
            shown, before = drift.shows(side.other), flags[uid]
            agreed = shown if before is None else common(before, shown)
            drift = drift._replace(agreed=agreed, fresh=False)
    for side, uids in news.returned.items():
        if pair.uid(side) in uids and "\\Deleted" in (shown := drift.shows(side)):
            # It was to be gone, and is wanted again as the other side has it.
            drift = drift._replace(agreed=shown, fresh=False)
    return drift


def _flags(drifts: Drifts, policy: Policy) -> Iterator[Operation]:
    if drifts:
        yield SetFlags(
            drifts, planFlags(drifts, policy.merge, policy.barring(Act.FLAGS))
        )


def _removal(gone: Mapping[Side, Gone], goneOnBoth: UidSet) -> Remove:
    discarded = {
        side: (uids, one.trash)
        for side, one in gone.items()
        if one.trash and (uids := one.uids - one.elsewhere)
    }
    expunged = {
        side: uids
        for side, one in gone.items()
        if (uids := one.uids & one.elsewhere if one.trash else one.uids)
    }
    return Remove(discarded, expunged, goneOnBoth)


def _inVain(arrived: Arrived) -> Iterator[tuple[Why, UidSet]]:
    """
    What need not be tried, and why.
    """
    yield ("the connection breaks over it", ""), arrived.hopeless
    # Each by itself, as it was told then.
    for uid, why in arrived.refused.items():
        yield why, UidSet.of((uid,))


def _copies(side: Side, arrived: Arrived) -> Iterator[Operation]:
    if arrived.doubtful:
        yield Postpone(side, arrived.uids, arrived.doubtful, tried=False)
        return
    rest = arrived.uids
    for (reason, code), uids in _inVain(arrived):
        if some := uids & rest:
            yield Postpone(side, some, f"not copied: {reason}", code, tried=False)
            rest -= some
    if echoes := rest & arrived.echoes:
        yield Leave(side, f"UID {echoes}: {_ECHO}", side)
        rest -= echoes
    if not rest:
        return
    if not arrived.writable:
        yield Leave(side, "nothing can be written there", side.other)
        return
    if unproven := rest & arrived.unproven:
        yield Postpone(side, unproven, UNPROVEN, tried=False)
        rest -= unproven
    if arrived.transfers:
        yield HandOver(arrived.transfers)
        rest -= UidSet.of(uid for one in arrived.transfers for uid in one.twins)
    yield from _sent(side, arrived, rest)


def _sent(side: Side, arrived: Arrived, rest: UidSet) -> Iterator[Operation]:
    careful = rest & arrived.careful
    if careful:
        yield Copy(side, careful, singly=True, careful=True)
    if suspects := rest & arrived.suspects - careful:
        yield Copy(side, suspects, singly=True)
    if rest := rest - suspects - careful:
        yield Copy(side, rest)
