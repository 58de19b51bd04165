"""
A database of its own for each test.
"""

from __future__ import annotations

import resource
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from imapsync.model import Flags, Pair
from imapsync.state.store import Store
from imapsync.uidset import MAXIMUM, UidSet

SEEN: Flags = frozenset(["\\Seen"])
NONE: Flags = frozenset()
ALL = UidSet(((1, MAXIMUM),))


class Killed(Exception):
    """
    The end of the world.
    """


def die() -> None:
    """
    End the world.
    """
    raise Killed


class StateTestCase(SynchronousTestCase):
    """
    Tests with a database of their own.
    """

    def setUp(self) -> None:
        """
        Name a file.
        """
        self.path = Path(self.mktemp()).absolute() / "a.db"

    def opened(self, kind: type[Store] = Store, *, readOnly: bool = False) -> Store:
        """
        Open the database.
        """
        state = kind.open(str(self.path), readOnly=readOnly)
        self.addCleanup(state.close)
        return state

    def filled(self, *pairs: Pair) -> tuple[Store, int]:
        """
        Open the database, with these pairs in INBOX.
        """
        state = self.opened()
        with state.transaction():
            mailbox = state.addMailbox("INBOX", True).id
            state.addPairs(mailbox, pairs)
        return state, mailbox

    def limit(self, size: int) -> None:
        """
        Let no file grow beyond C{size} bytes, as on a full disk.
        """
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_FSIZE, before)
