"""
Tests for L{imapsync.accounts.polling}.
"""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imapsync.accounts.polling import Polling
from imapsync.model import Status

QUIET, NEWS = Status(messages=1), Status(messages=2)


class PollingTests(SynchronousTestCase):
    """
    Tests for L{Polling}, where the usual pause is a minute.
    """

    def setUp(self) -> None:
        """
        Be told of one mailbox.
        """
        self.clock = Clock()
        self.polling = Polling(60.0, self.clock.seconds)
        self.polling.tell("a", QUIET)

    def polled(self, seconds: float, status: Status = QUIET) -> int:
        """
        Look each minute for so long.

        @return: how often it was to be asked.
        """
        asked = 0
        for _ in range(int(seconds / 60)):
            self.clock.advance(60)
            if self.polling.recall("a") is None:
                self.polling.tell("a", status)
                asked += 1
        return asked

    def test_seldom(self) -> None:
        """
        As long as nothing changes, it is asked less and less, but every ten minutes at
        the latest.
        """
        self.assertEqual(20, self.polled(1200))
        self.assertEqual(10, self.polled(1200))
        self.polled(86_400)
        self.assertEqual(6, self.polled(3600))

    def test_news(self) -> None:
        """
        When something has, it is asked each time again.
        """
        self.polled(86_400)
        self.polling.doubt()
        self.polled(60, NEWS)
        self.assertEqual(20, self.polled(1200, NEWS))

    def test_doubted(self) -> None:
        """
        Where something may have happened, it is asked at once; what is known counts
        again when it was told.
        """
        self.polled(86_400)
        self.assertEqual(QUIET, self.polling.recall("a"))
        for names in (["a"], ["b", "a"], None):
            self.polling.doubt(names)
            self.assertIsNone(self.polling.recall("a"))
            self.polling.tell("a", QUIET)
            self.assertEqual(QUIET, self.polling.recall("a"))
        self.polling.doubt(["b"])
        self.assertEqual(QUIET, self.polling.recall("a"))

    def test_others(self) -> None:
        """
        What is not there is not remembered; what was never told is asked.
        """
        self.polled(86_400)
        self.polling.keep(["b"])
        self.assertIsNone(self.polling.recall("a"))
        self.assertIsNone(self.polling.recall("b"))

    def test_meanwhile(self) -> None:
        """
        What happens while it is asked may be left out of the answer: it is asked once
        more.
        """
        self.polled(7200)
        self.polling.doubt(["a"])
        self.assertIsNone(self.polling.recall("a"))
        self.polling.doubt(["a"])
        self.polling.tell("a", QUIET)
        self.assertIsNone(self.polling.recall("a"))
        self.polling.tell("a", QUIET)
        self.assertEqual(QUIET, self.polling.recall("a"))

    def test_untold(self) -> None:
        """
        As long as there is no answer, it is to be asked.
        """
        self.polled(7200)
        self.polling.doubt(["a"])
        self.assertIsNone(self.polling.recall("a"))
        self.assertIsNone(self.polling.recall("a"))
