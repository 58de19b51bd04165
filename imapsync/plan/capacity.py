"""
Whether what is on one side has room on the other, as far as servers tell.

It only reckons; L{imapsync.accounts.inspection} asks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from imapsync.model import Name

#: What one STORAGE is (RFC 9208, 4.1), in octets.
_UNIT = 1024


class Size(NamedTuple):
    """
    What is in a mailbox, or in several.

    @ivar octets: C{None} if the server does not tell.
    """

    messages: int
    octets: int | None


class Limit(NamedTuple):
    """
    What a quota lets be in an account, or a part of it (RFC 9208).

    @ivar root: what the server calls it.
    @ivar resource: of what: C{"STORAGE"}, which is counted here in octets,
        C{"MESSAGE"}, or others.
    @ivar used: so much is there.
    @ivar most: so much may be.
    """

    root: str
    resource: str
    used: int
    most: int

    @property
    def free(self) -> int:
        """
        So much may come.
        """
        return max(0, self.most - self.used)


class Fit(NamedTuple):
    """
    Whether what is to come has room.

    @ivar fits: C{None} if nobody knows.
    @ivar limit: why it does not; or the one that is the nearest.
    """

    fits: bool | None
    limit: Limit | None = None


def limits(root: str, told: Mapping[str, tuple[int, int]]) -> Iterator[Limit]:
    """
    What a server tells of a quota.
    """
    for resource, (used, most) in told.items():
        unit = _UNIT if resource == "STORAGE" else 1
        yield Limit(root, resource, used * unit, most * unit)


def total(sizes: Collection[Size]) -> Size:
    """
    That of all of them together.
    """
    octets = [one.octets for one in sizes if one.octets is not None]
    known = len(octets) == len(sizes)
    return Size(sum(one.messages for one in sizes), sum(octets) if known else None)


def coming(source: Mapping[Name, Size], target: Mapping[Name, Size]) -> Size:
    """
    About how much is to be copied: of each mailbox, what it is larger by than that
    of the same name.  It is more if both hold different messages.
    """
    return total([_larger(one, target.get(name)) for name, one in source.items()])


def fit(size: Size, quotas: Collection[Limit] | None) -> Fit:
    """
    Whether there is room for that.

    @param quotas: C{None} if the server does not tell.
    """
    if not size.messages:
        return Fit(True)
    if quotas is None:
        return Fit(None)
    wanted = {"STORAGE": size.octets, "MESSAGE": size.messages}
    counting = [one for one in quotas if one.resource in wanted]
    short = [one for one in counting if (wanted[one.resource] or 0) > one.free]
    if short:
        return Fit(False, short[0])
    unknown = [one for one in counting if wanted[one.resource] is None]
    if unknown:
        return Fit(None, unknown[0])
    return Fit(True, min(counting, key=lambda one: one.free, default=None))


def _larger(one: Size, other: Size | None) -> Size:
    if other is None:
        return one
    messages = max(0, one.messages - other.messages)
    if one.octets is None or other.octets is None:
        return Size(messages, 0 if not messages else None)
    return Size(messages, max(0, one.octets - other.octets) if messages else 0)
