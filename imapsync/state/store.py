"""
The database: what both sides of each mailbox last agreed on.

Nothing in it is precious.  Without it, or with its latest transactions lost,
messages are paired by content again; what must never happen is that it says
more than is true.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from imapsync.errors import StateError
from imapsync.model import Owner, Side
from imapsync.state.doubts import DoubtTable
from imapsync.state.file import StateFile
from imapsync.state.kept import KeptTable
from imapsync.state.leftovers import LeftoverTables
from imapsync.state.looks import LookTable
from imapsync.state.owners import OWNERS, OwnerTable, ownersIn
from imapsync.state.pairs import PairTable
from imapsync.state.renamings import RenamingTable
from imapsync.state.shortfalls import ShortfallTables
from imapsync.state.soundness import SoundnessTables
from imapsync.state.sqlitefile import reading
from imapsync.state.traffic import TrafficTable


class Store(
    OwnerTable,
    PairTable,
    KeptTable,
    LeftoverTables,
    DoubtTable,
    ShortfallTables,
    RenamingTable,
    TrafficTable,
    LookTable,
    SoundnessTables,
    StateFile,
):
    """
    The database of one pair of accounts, in an SQLite file:
    L{State<imapsync.state.interface.State>}.
    """

    @classmethod
    def ownersOf(cls, path: str) -> Mapping[Side, Owner] | None:
        """
        As L{owners}, of a database that need not be opened for that.

        @return: C{None}, if there is none that can be read.
        """
        try:
            with reading(os.path.realpath(path)) as database:
                tables = database.execute("SELECT name FROM sqlite_master").fetchall()
                if ("owner",) not in tables:
                    return {}
                return ownersIn(database.execute(OWNERS))
        except (StateError, ValueError):
            return None
