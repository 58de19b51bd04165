"""
What is in front of messages that are handed over: L{Heads}.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from imapsync.imap.commands.append import SYSTEM, Head, headOf
from imapsync.imap.commands.mailbox import Selected
from imapsync.imap.wire.responses import Row
from imapsync.model import Flags
from imapsync.plan.flags import common

_NONE: Flags = frozenset()


class Manner(NamedTuple):
    """
    How a message is handed over: a server may object to its date or to a
    keyword, and then gets it without.
    """

    keywords: bool
    date: bool


#: In which order they are tried.
MANNERS = (
    Manner(keywords=True, date=True),
    Manner(keywords=True, date=False),
    Manner(keywords=False, date=True),
    Manner(keywords=False, date=False),
)


class Heads:
    """
    Makes them for messages that go into one mailbox.
    """

    def __init__(self, into: Selected) -> None:
        self._into = into
        # Messages have few combinations of flags.
        self._given = lru_cache(4096)(self._keepable)

    def of(self, rows: Sequence[Row], manner: int) -> list[Head]:
        """
        What is in front of messages with these attributes.

        @param manner: which of L{MANNERS}.
        """
        keywords, dated = MANNERS[manner]
        given = self._given
        return [
            headOf(given(row.flags or _NONE, keywords), row.date if dated else "")
            for row in rows
        ]

    def _keepable(self, flags: Flags, keywords: bool) -> Flags:
        """
        Those of C{flags} that the server is asked to keep.
        """
        given = frozenset(flag for flag in flags if self._into.keeps(flag))
        given = given if keywords else common(given, SYSTEM)
        return flags if given == flags else given  # found equal the faster
