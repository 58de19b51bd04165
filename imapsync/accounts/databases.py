"""
With which database a configuration goes on, where it names none.

The file is called after a user and a host.  Where one of these has another name
than before, or was not told yet, the database of the same accounts has the name
that it had; without it, what was deleted meanwhile would come back.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import closing
from itertools import islice
from typing import Any

from twisted.internet.defer import Deferred

from imapsync.accounts.ownership import named
from imapsync.config.settings import Config
from imapsync.errors import OtherAccounts, StateUnavailable
from imapsync.log import Log
from imapsync.model import Owner, Side
from imapsync.plan.ownership import Claim, claim
from imapsync.state.interface import State
from imapsync.state.store import Store

#: What is done with a database.
Work = Callable[[Config, State], Coroutine[Deferred[Any], Any, int]]

#: So many files are looked into.
_FILES = 100

_log = Log()


async def withDatabase(config: Config, readOnly: bool, work: Work) -> int:
    """
    Open the database of a configuration, and close it when C{work} is done.

    One that was presumed to be of its accounts, and is not, is left alone: then
    C{work} is begun again with another.

    @param readOnly: work on private copies.
    @return: the exit code of C{work}.
    """
    for one in candidates(config):
        try:
            state = Store.open(one.database, readOnly=readOnly)
        except StateUnavailable:
            if one.presumed:
                continue  # whoever uses it is its owner
            raise
        with closing(state):
            if state.backup:
                _log.info(
                    "The database {path} is brought to a new version; as it was, it is"
                    " kept as {copy}.",
                    path=one.database,
                    copy=state.backup,
                )
            try:
                return await work(one, state)
            except OtherAccounts as error:
                _log.info("{error}; not used.", error=error)
    raise AssertionError("the last one is not presumed")


def candidates(config: Config) -> Iterator[Config]:
    """
    A configuration with each database that may be its own, the likeliest first;
    the last is what it is called by default, or what the configuration names.
    """
    if config.older and not os.path.lexists(config.database):
        yield from _others(config)
    yield config


def _others(config: Config) -> Iterator[Config]:
    now = named(config)
    alike = []
    for path in _kin(config):
        owners = Store.ownersOf(path)
        if owners is None or len(owners) < len(Side):
            continue
        if all(claim(side, owners, now) in (Claim.SAME, Claim.UNSURE) for side in Side):
            yield config._replace(database=path)
        elif _isAlike(owners, now):
            alike.append(path)
    older = config.older
    if os.path.lexists(older) and not (owners := Store.ownersOf(older)):
        # Where it cannot even be read, that is to be told.
        yield config._replace(database=older, presumed=owners is not None)
    for path in alike:
        yield config._replace(database=path, presumed=True)


def _kin(config: Config) -> Iterator[str]:
    """
    The databases that may be meant: the older one, and those whose names have the
    user or the host in common with the default one.
    """
    from pathlib import Path  # here, because it is looked for once only

    yield config.older
    older, default = Path(config.older), Path(config.database)
    user, _, host = default.stem.rpartition("@")
    for path in islice(sorted(default.parent.glob("*.db")), _FILES):
        itsUser, at, itsHost = path.stem.rpartition("@")
        if path != older and (not at or user == itsUser or host == itsHost):
            yield str(path)


def _isAlike(owners: Mapping[Side, Owner], now: Mapping[Side, Owner]) -> bool:
    """
    Whether one side is the same, and the other has only another host, or another
    user.
    """
    differing = [side for side in Side if owners[side].account != now[side].account]
    if len(differing) != 1:
        return False
    [side] = differing
    user, _, host = owners[side].account.rpartition("@")
    itsUser, _, itsHost = now[side].account.rpartition("@")
    return user == itsUser != "" or host == itsHost
