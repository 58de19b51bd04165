"""
Asking a server which messages there are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from imapsync.imap.commands.limited import Limited
from imapsync.imap.commands.messages import Fetch, Search
from imapsync.imap.wire.responses import Row
from imapsync.uidset import UidSet, UidSetBuilder

#: Performs as many commands about messages as it takes.
Ask = Callable[[UidSet, Callable[[str], Limited[Any]]], Deferred[Any]]


async def existing(ask: Ask, extended: bool, uids: UidSet) -> UidSet:
    """
    Those of C{uids} that are there.

    @param extended: whether the server has ESEARCH.
    """
    found: list[UidSet | None]
    found = await ask(uids, lambda text: Search(text, extended))
    if None in found:
        # Some have no SEARCH response where nothing is found, and who knows when else.
        return await _fetched(ask, uids)
    return UidSet.ofRanges(r for some in found if some for r in some.ranges) & uids


async def _fetched(ask: Ask, uids: UidSet) -> UidSet:
    found = UidSetBuilder()

    def rows(some: list[Row]) -> None:
        found.update(UidSet.of(row.uid for row in some))

    await ask(uids, lambda text: Fetch(text, "(INTERNALDATE)", rows=rows))
    return found.build() & uids
