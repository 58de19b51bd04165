"""
A few of the tests on real servers, where these can do less.

All of them can be run so: C{IMAPSYNC_WAYS} names what the servers are without.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from imapsync.accounts import workers
from imapsync.test.integration import (
    test_flags,
    test_interrupted,
    test_model,
)

#: What the local and the remote server are without: each beside each, once.
PAIRS = (
    *(("CONDSTORE", "QRESYNC"), ("QRESYNC", "COMPARING"), ("BARE", "QRESYNC")),
    *(("CONDSTORE", "CONDSTORE"), ("COMPARING", "CONDSTORE"), ("CONDSTORE", "BARE")),
    *(("COMPARING", "COMPARING"), ("BARE", "COMPARING"), ("BARE", "BARE")),
    *(("GMAIL", "EXCHANGE"), ("QRESYNC/UIDPLUS", "CONDSTORE/UIDPLUS/MOVE")),
)


class ModelTests(TestCase):
    """
    Accounts are changed at random.
    """

    timeout = 600

    def setUp(self) -> None:
        """
        Have all connections used that may be.
        """
        self.patch(workers, "MAILBOXES", 1)

    def test_pairs(self) -> Deferred[None]:
        """
        Both sides become what the model says, whatever each is without.
        """
        return Deferred.fromCoroutine(self._pairs())

    async def _pairs(self) -> None:
        for seed, ways in enumerate(PAIRS, 1):
            if failures := await test_model.wrongs([seed], ways):
                self.fail(f"{ways}: {failures}")


class KillTests(test_interrupted.KillTests):
    """
    Processes are killed at commits, where nothing tells what has changed.
    """

    ways = ("BARE", "BARE")
    step = 16


class ConnectionTests(test_interrupted.ConnectionTests):
    """
    Connections end anywhere.
    """

    ways = ("CONDSTORE/UIDPLUS", "BARE")
    times = 4
    # Messages are moved between mailboxes that cannot be recognised there.
    feats = tuple({*test_interrupted.FEATS} - {"moved on", "duplicated on"})


class FlagsTests(test_flags.FlagsTests):
    """
    Flags change.
    """

    ways = ("CONDSTORE", "BARE")


class ExpungeTests(test_flags.ExpungeTests):
    """
    Messages go.
    """

    ways = ("BARE", "COMPARING")
