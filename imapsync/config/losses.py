"""
The brake for lists of accounts: one that was cut short, or a command that found nobody,
must not end the work for most of them.
"""

from __future__ import annotations

from collections.abc import Collection

#: Lists of fewer accounts have no brake.
LEAST = 10


def held(before: Collection[str], now: Collection[str]) -> frozenset[str]:
    """
    Which accounts are to go on though they are not listed any more: all of those, where
    they are most of the list.

    @param before: the accounts that there were.
    @param now: those that are listed now.
    """
    gone = frozenset(before).difference(now)
    excessive = len(before) >= LEAST and 2 * len(gone) > len(before)
    return gone if excessive else frozenset()
