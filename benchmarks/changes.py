"""
What happens to accounts that were equal.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing

from benchmarks.place import Place

#: How many messages the mailbox has to which something happens.
MANY = 50_000

_SETS = 40
_CHANGES = ("\\Seen", "\\Answered", "\\Flagged", "\\Draft", "Work", "Later", "$MDNSent")

#: Those that each program carries.
_CARRIED = tuple(flag for flag in _CHANGES if flag.startswith("\\"))


def flagSets(
    scale: float, flags: Sequence[str] = _CHANGES
) -> list[tuple[str, list[int]]]:
    """
    40 sets of messages, 10 000 in all, and what changes about their flags.
    """
    uids = range(1, int(MANY * scale) + 1, 5)
    return [
        (
            f"{'-' if n % 8 == 7 else '+'}FLAGS ({flags[n % len(flags)]})",
            [*uids[n::_SETS]],
        )
        for n in range(_SETS)
    ]


def changeFlags(place: Place, scale: float) -> None:
    """
    Change these on the local side.
    """
    _change(place, flagSets(scale))


def changeCarried(place: Place, scale: float) -> None:
    """
    Change as many, none of them a keyword.
    """
    _change(place, flagSets(scale, _CARRIED))


def _change(place: Place, sets: Iterable[tuple[str, list[int]]]) -> None:
    with place.accounts() as (local, _):
        for change, uids in sets:
            if uids:
                local.store("INBOX", uids, change)


def gone(scale: float) -> tuple[list[int], list[int]]:
    """
    5 000 messages, half of them on each side.
    """
    most = int(MANY * scale) + 1
    return [*range(10, most, 20)], [*range(20, most, 20)]


def expunge(place: Place, scale: float) -> None:
    """
    Remove these.
    """
    with place.accounts() as accounts:
        for account, uids in zip(accounts, gone(scale), strict=True):
            account.expunge("INBOX", uids)


def damage(place: Place, _scale: float) -> None:
    """
    A tenth of the entries is gone, and as many have each other's messages.
    """
    moved = "UPDATE pair SET remote = remote + {} WHERE remote % 20 IN ({}, {})"
    with closing(sqlite3.connect(place.directory / "state.db")) as database, database:
        database.execute("DELETE FROM pair WHERE local % 10 = 5")
        for by, (first, second) in (
            (1_000_000_000, (2, 3)),
            (-999_999_999, (2, 2)),
            (-1_000_000_001, (3, 3)),
        ):
            where = moved if by > 0 else f"{moved} AND remote > 1000000000"
            database.execute(where.format(by, first, second))


def joined(uids: Iterable[int]) -> str:
    """
    UIDs as an argument.
    """
    return ",".join(map(str, uids))
