"""
Tests for L{imapsync.run.heartbeat}.
"""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imapsync.run.heartbeat import BEAT, LATE, SILENCE, Pulse


class PulseTests(SynchronousTestCase):
    """
    Tests for L{Pulse}.
    """

    def setUp(self) -> None:
        """
        Start one.
        """
        self.clock = Clock()
        self.sent = 0
        self.happened: list[object] = []
        self.pulse = Pulse(
            self.clock,
            lambda: self.sent,
            self.happened.append,
            lambda: self.happened.append("silence"),
        )
        self.pulse.start()

    def wait(self, seconds: float) -> None:
        """
        Let time go by.
        """
        for _ in range(int(seconds / BEAT)):
            self.clock.advance(BEAT)

    def test_silence(self) -> None:
        """
        Silence is told each time it has lasted.
        """
        self.wait(SILENCE)
        self.assertEqual(["silence"], self.happened)
        self.wait(SILENCE)
        self.assertEqual(["silence"] * 2, self.happened)

    def test_sent(self) -> None:
        """
        Whatever is sent ends it.
        """
        self.wait(SILENCE - BEAT)
        self.sent = 9
        self.wait(SILENCE)
        self.assertEqual([], self.happened)
        self.wait(BEAT)
        self.assertEqual(["silence"], self.happened)

    def test_suspended(self) -> None:
        """
        A beat that comes much too late is told; one that is a little late is
        not.
        """
        self.clock.advance(BEAT + LATE)
        self.assertEqual([], self.happened)
        self.clock.advance(BEAT + LATE + 1)
        self.assertEqual([LATE + 1], self.happened)

    def test_stop(self) -> None:
        """
        Then nothing is told any more.
        """
        self.pulse.stop()
        self.assertEqual([], self.clock.getDelayedCalls())
        self.pulse.stop()
