"""
A few trials of each kind; C{python -m benchmarks.trials} makes as many as one likes,
and with other programs too.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SkipTest, TestCase

from imapsync.test.integration.strikes import KINDS, each, tried
from imapsync.test.integration.trial import Imapsync, Laboratory, Offer

reactor: Any = _reactor

#: So many trials go on at a time.
_AT_ONCE = 3

#: There is not time for all of them.
_OFFERS = (Offer(), Offer(False, False, False, True, "imaps"))


class TrialTests(TestCase):
    """
    What befalls a run, and what the next ones make of that.
    """

    timeout = 600

    def setUp(self) -> None:
        """
        All trials of a kind start with the same accounts.
        """
        self._laboratory = Laboratory(reactor, Imapsync(), _OFFERS)
        self.addCleanup(self._laboratory.close)

    def test_killed(self) -> Deferred[None]:
        """
        A process is killed at any moment.
        """
        return self.tries("kill", 6)

    def test_reset(self) -> Deferred[None]:
        """
        A connection is reset after any number of octets, whatever servers offer.
        """
        return self.tries("reset", 6)

    def test_closed(self) -> Deferred[None]:
        """
        Or it is closed.
        """
        return self.tries("close", 4)

    def test_serversKilled(self) -> Deferred[None]:
        """
        Servers are killed, and started again.
        """
        return self.tries("servers", 2)

    def test_serverFull(self) -> Deferred[None]:
        """
        A server has no room for all messages.
        """
        return self.tries("storage", 2)

    def test_damaged(self) -> Deferred[None]:
        """
        A database is damaged, or no such one.
        """
        return self.tries("damage", 6)

    def test_twice(self) -> Deferred[None]:
        """
        A run begins while another one is still at work.
        """
        return self.tries("twice", 2)

    def test_jumped(self) -> Deferred[None]:
        """
        The clock jumps.
        """
        return self.tries("clock", 2)

    def tries(self, name: str, times: int) -> Deferred[None]:
        """
        Try a kind so often: nothing goes wrong.
        """
        if not KINDS[name].possible():
            raise SkipTest("cannot be done here")
        numbers = iter(range(1, times + 1))
        return Deferred.fromCoroutine(each(numbers, _AT_ONCE, partial(self._try, name)))

    async def _try(self, name: str, number: int) -> None:
        outcome = await tried(self._laboratory, KINDS[name], name, number)
        self.assertTrue(outcome.isGood, f"{name} {number}: {outcome}")
