"""
Messages that a server stored late: which of them are our own.

Where an APPEND was not answered, the message is sent again.  If the server then
stores the first one after all, it has it twice.  What is removed as ours is equal,
octet for octet, to a message of that mailbox that both sides have; there were as many
APPENDs in doubt of that message as are removed; and it has the flags and the date that
it was given.  So nobody misses anything: all else is taken for somebody's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from imapsync.model import Doubt, Flags, Side
from imapsync.plan.flags import same, without
from imapsync.uidset import UidSet

WHY = "copied by imapsync and stored late, when the same was there already"

_DELETED: Flags = frozenset(("\\Deleted",))


class Sight(NamedTuple):
    """
    A message as it is on a server.

    @ivar date: the instant of its INTERNALDATE; 0 if that is not known.
    @ivar digest: of all its octets.
    """

    uid: int
    flags: Flags
    date: int
    digest: bytes


class Sent(NamedTuple):
    """
    A message of which an APPEND is in doubt, and that has a pair by now.

    @ivar flags: those that both sides agree on.
    @ivar copy: what it is paired with.
    """

    doubt: Doubt
    flags: Flags
    copy: Sight


class Late(NamedTuple):
    """
    What may have come late to a side.

    @ivar new: messages without a pair there, ascending.
    """

    sent: Sequence[Sent]
    new: Sequence[Sight]


class Withdraw(NamedTuple):
    """
    Expunge what came late to C{side}, and is ours.

    @ivar copies: UIDs, by L{Doubt.id}.
    """

    side: Side
    copies: Mapping[int, int]

    @property
    def uids(self) -> UidSet:
        """
        The messages.
        """
        return UidSet.of(self.copies.values())

    def lines(self, name: str) -> Iterator[tuple[str, str]]:
        """
        What a dry run says: each time, of which mailbox, and what.
        """
        yield name, f"{self.side}: expunge UID {self.uids}: {WHY}"


def withdrawals(late: Mapping[Side, Late]) -> Iterator[Withdraw]:
    """
    What is to be removed.
    """
    for side, one in late.items():
        if copies := _ours(one):
            yield Withdraw(side, copies)


def _ours(late: Late) -> Mapping[int, int]:
    """
    The UIDs of what is ours, by L{Doubt.id}: one for each APPEND in doubt.
    """
    waiting: dict[bytes, list[Sent]] = {}
    for sent in late.sent:
        waiting.setdefault(sent.copy.digest, []).append(sent)
    ours: dict[int, int] = {}
    for new in late.new:
        alike = [s for s in waiting.get(new.digest, ()) if _isCopy(new, s)]
        if alike:
            # If it was about to be removed before, then for the same reason.
            sent = next((s for s in alike if s.doubt.copy == new.uid), alike[0])
            waiting[new.digest].remove(sent)
            ours[sent.doubt.id] = new.uid
    return ours


def _isCopy(new: Sight, sent: Sent) -> bool:
    """
    Whether one of equal content shows what it was given.
    """
    given = sent.flags if sent.doubt.given is None else sent.doubt.given.flags
    flags = new.flags
    if sent.doubt.copy == new.uid:
        flags = without(flags, _DELETED)  # which we did, and the server no more
    return _isDated(new, sent) and same(flags, given)


def _isDated(new: Sight, sent: Sent) -> bool:
    """
    Whether one has the date of the other copy, unless its server does not keep dates:
    then it has not kept that either.  If that was given none, it has another anyway.
    What the other server says now is not asked.
    """
    given = sent.doubt.given
    kept = given is None or given.date == sent.copy.date
    return new.date == sent.copy.date or not kept
