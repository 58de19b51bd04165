"""
Tests for L{imapsync.oauth.lock}.
"""

from __future__ import annotations

from pathlib import Path

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import Lost, StateUnavailable
from imapsync.oauth.lock import AGAIN, PATIENCE, locked


class LockTests(SynchronousTestCase):
    """
    Tests for L{locked}.
    """

    def setUp(self) -> None:
        """
        Have somebody who wants something for themselves.
        """
        self.clock = Clock()
        self.path = Path(self.mktemp()).absolute() / "lock"
        self.holders: list[str] = []

    def hold(self, name: str, until: Deferred[None]) -> Deferred[None]:
        """
        Hold it.
        """

        async def holding() -> None:
            async with locked(self.clock, str(self.path)):
                self.holders.append(name)
                await until
                self.holders.remove(name)

        return Deferred.fromCoroutine(holding())

    def test_oneAtATime(self) -> None:
        """
        Who comes later waits.
        """
        first: Deferred[None] = Deferred()
        second: Deferred[None] = Deferred()
        self.hold("first", first)
        self.hold("second", second)
        self.clock.advance(AGAIN)
        self.assertEqual(["first"], self.holders)
        first.callback(None)
        self.clock.advance(AGAIN)
        self.assertEqual(["second"], self.holders)
        second.callback(None)
        self.assertEqual([], self.clock.getDelayedCalls())
        self.assertEqual(0o600, self.path.stat().st_mode & 0o777)

    def test_tooLong(self) -> None:
        """
        Nobody waits forever.
        """
        self.hold("first", Deferred())
        waiting = self.hold("second", Deferred())
        self.clock.pump([AGAIN] * int(PATIENCE / AGAIN + 2))
        failure = self.failureResultOf(waiting, Lost)
        self.assertEqual(
            f"{self.path}: somebody else has it for too long", str(failure.value)
        )

    def test_cancelled(self) -> None:
        """
        Who does not wait any more does not get it.
        """
        first: Deferred[None] = Deferred()
        self.hold("first", first)
        waiting = self.hold("second", Deferred())
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)
        first.callback(None)
        self.assertEqual([], self.holders)
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_impossible(self) -> None:
        """
        Where there can be no such file, that is said.
        """
        self.path.parent.write_text("no folder")
        failure = self.failureResultOf(self.hold("first", Deferred()), StateUnavailable)
        self.assertEqual(
            f"{self.path}: cannot be made: File exists", str(failure.value)
        )
