"""
Special uses of mailboxes (RFC 6154): one that both sides have for the same
purpose, under different names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from imapsync.model import Listed, Name, Side
from imapsync.names import INBOX, isWithin, shown
from imapsync.plan.account import Account

_USES = ("\\sent", "\\drafts", "\\trash", "\\junk", "\\archive")

#: Those of mailboxes that only show what is in others (RFC 6154, 2; RFC 8457, 5).
_VIEWS = ("\\all", "\\flagged", "\\important")

#: The remote side's own name, and the local one, which both share.
Alias = tuple[Name, Name]


class Matched(NamedTuple):
    """
    What is known by the other side's name.

    @ivar apart: names that are left alone, with all below them; and why.
    """

    aliases: tuple[Alias, ...]
    apart: Mapping[Name, str]


def matched(ours: Account, theirs: Account) -> Matched:
    """
    Compare both sides, each of them by its own names.
    """
    aliases = list(dict.fromkeys(_found(ours, theirs)))
    apart: dict[Name, str] = {}
    while clashes := dict(_clashes(aliases, ours, theirs)):
        for alias, why in clashes.items():
            aliases.remove(alias)
            apart |= dict.fromkeys(alias, why)
    return Matched(tuple(aliases), apart)


def isUsed(box: Listed) -> bool:
    """
    Whether a mailbox has a special use.
    """
    return not box.attributes.isdisjoint((*_USES, *_VIEWS))


def _found(ours: Account, theirs: Account) -> Iterator[Alias]:
    for use in _USES:
        here, there = (_used(use, account) for account in (ours, theirs))
        if len(here) == len(there) == 1 and here != there:
            [local], [remote] = here, there
            if INBOX not in (local, remote):
                yield remote, local


def _used(use: str, account: Account) -> list[Name]:
    listed = account.listed.items()
    return [n for n, box in listed if use in box.attributes and account.has(n)]


def _clashes(
    aliases: Collection[Alias], ours: Account, theirs: Account
) -> Iterator[tuple[Alias, str]]:
    """
    The aliases that cannot be, and why.
    """
    remotes, locals_ = ([alias[at] for alias in aliases] for at in (0, 1))
    counted = Counter(remotes), Counter(locals_)
    for alias in aliases:
        remote, local = alias
        match = (
            f'SPECIAL-USE matches "{shown(remote)}" on remote with "{shown(local)}"'
            " on local"
        )
        if counted[0][remote] > 1 or counted[1][local] > 1:
            yield alias, f"{match}, and one of them with another; left alone"
            continue
        others = [
            (side, name)
            for side, account, taken, mapped in (
                (Side.LOCAL, ours, remote, locals_),
                (Side.REMOTE, theirs, local, remotes),
            )
            for name in account.listed
            if account.has(name)
            and isWithin(name, taken)
            and not any(isWithin(name, level) for level in mapped)
        ]
        for side, name in others[:1]:
            there = f'there is "{shown(name)}" on {side} too'
            yield alias, f"{match}, but {there}; left alone"
