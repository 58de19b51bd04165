"""
What is asked of a run, whoever asks.
"""

# Annotations are evaluated here: as text, that of each field of a tuple would be
# compiled whenever the program starts.

from enum import Enum
from typing import NamedTuple

from imapsync.model import Side


class Depth(Enum):
    """
    What is read of each message to compare it: C{--verify}.
    """

    HEADER = "header"
    CONTENT = "content"


class Admin(NamedTuple):
    """
    What is to be done to mailboxes as a whole: C{--delete} or C{--rename}.

    @ivar mailboxes: as typed: those to delete; or the old name and the new one.
    @ivar rename: whether it is that.
    @ivar sides: whose servers it is for.
    @ivar database: whether it is for the database as well.
    """

    mailboxes: tuple[str, ...]
    rename: bool = False
    sides: frozenset[Side] = frozenset(Side)
    database: bool = True


class Request(NamedTuple):
    """
    What the user asked of one run.

    @ivar mailboxes: as typed; none means all.
    @ivar allowMassDelete: in live mode, in the first sync.
    @ivar live: stay connected, and follow both servers.
    @ivar watch: how often to look at a server that does not push, in seconds.
    @ivar admin: to be done instead of a sync.
    @ivar repair: compare everything with the database, and mend, instead of a sync.
    @ivar verify: compare everything that deep and change nothing, instead of a sync.
    @ivar check: look at both servers and change nothing, instead of a sync.
    @ivar status: tell what the database knows, instead of a sync.
    @ivar patience: how many seconds to wait in all, if not live, for servers that
        ask to come back later.
    @ivar until: until then the sync is done again and again, in seconds since 1970;
        C{None} if once.
    @ivar json: whether what is said is for machines.
    @ivar authorize: whose provider to ask for a token, instead of a sync.
    @ivar interimap: the path of a database of interimap that is to be taken over,
        instead of a sync; empty if none is.
    """

    mailboxes: tuple[str, ...] = ()
    dryRun: bool = False
    allowMassDelete: bool = False
    live: bool = False
    watch: float = 60.0
    admin: Admin | None = None
    repair: bool = False
    verify: Depth | None = None
    status: bool = False
    patience: float = 600.0
    json: bool = False
    check: bool = False
    authorize: Side | None = None
    interimap: str = ""
    until: float | None = None
