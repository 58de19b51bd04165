"""
Random changes on both sides, a sync, and a look at whether it made what a
model says: again and again, on real servers.

Every sequence of changes has a seed.  C{IMAPSYNC_SEED} is the first of them
and C{IMAPSYNC_SEQUENCES} says how many there are, so that one that failed can
be seen alone, and thousands can be tried on a quiet day.  C{IMAPSYNC_WAYS} says what
servers are without: the names of two presets, such as C{CONDSTORE BARE}.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from imapsync.accounts import workers
from imapsync.model import Side
from imapsync.test.integration.filtered import WAYS
from imapsync.test.integration.server import Server
from imapsync.test.integration.twins import Twins, Wrong

SEED = int(os.environ.get("IMAPSYNC_SEED", "1"))
SEQUENCES = int(os.environ.get("IMAPSYNC_SEQUENCES", "200"))


class ModelTests(TestCase):
    """
    Tests for the sync of accounts that are changed at random.
    """

    timeout = 36000

    def setUp(self) -> None:
        """
        Have all connections used that may be.
        """
        self.patch(workers, "MAILBOXES", 1)

    def test_union(self) -> Deferred[None]:
        """
        Both sides become what the model says, if flags that changed on both
        sides are united.
        """
        return Deferred.fromCoroutine(self._sequences(merge=False))

    def test_merge(self) -> Deferred[None]:
        """
        Both sides become what the model says, if flags that changed on both
        sides are merged.
        """
        return Deferred.fromCoroutine(self._sequences(merge=True))

    async def _sequences(self, merge: bool) -> None:
        seeds = [seed for seed in range(SEED, SEED + SEQUENCES) if seed % 2 == merge]
        if failures := await wrongs(seeds, WAYS):
            self.fail(failures)


async def wrongs(
    seeds: Iterable[int], ways: Sequence[str], servers: Sequence[Server] = ()
) -> str:
    """
    Have sequences of changes with these seeds, odd ones where flags are merged; and
    tell what went wrong.

    @param ways: as for L{Twins}, like C{servers}.
    """
    found = []
    for seed in seeds:
        many = 3 if seed % 4 < 2 else 1
        twins = Twins(seed, bool(seed % 2), many, ways, servers)
        try:
            await _sequence(twins)
        except Wrong as wrong:
            found.append(f"IMAPSYNC_SEED={seed} IMAPSYNC_SEQUENCES=1\n{wrong}")
    return "\n\n".join(found)


async def _sequence(twins: Twins) -> None:
    """
    Change, sync and compare, several times.
    """
    try:
        for _ in range(twins.rng.randint(2, 4)):
            await _round(twins)
    finally:
        twins.close()


async def _round(twins: Twins) -> None:
    for side in Side:
        twins.change(side, twins.rng.randint(0, 7))
    upset = twins.rng.random()
    if upset < 0.1:
        twins.loseDatabase()
    elif upset < 0.25:
        twins.renumber()
    elif upset < 0.4:
        await twins.sync(reactor, twins.meddler())
    await twins.settle(reactor)
