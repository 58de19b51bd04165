"""
Tests for L{imapsync.system.running}.
"""

from __future__ import annotations

import os
from typing import Any, cast

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import ConfigError, Distrusted
from imapsync.system.running import run
from imapsync.test.fakes.processes import Processes


class Family:
    """
    Processes that end only by force.

    @ivar heard: which signals they were sent.
    """

    def __init__(self) -> None:
        self.heard: list[str] = []

    def signal(self, name: str) -> None:
        """
        They are sent one.
        """
        self.heard.append(name)

    def isLeft(self) -> bool:
        """
        Whether any is there.
        """
        return "KILL" not in self.heard


class RunTests(SynchronousTestCase):
    """
    Tests for L{run}.
    """

    def setUp(self) -> None:
        self.reactor = Processes()

    def run_(self) -> Deferred[None]:
        """
        Run the command.
        """
        return Deferred.fromCoroutine(
            run(self.reactor, "command", "tell me", "[notify]", {"WHAT": "no; ls"}, 60)
        )

    def test_succeeded(self) -> None:
        """
        It has our environment, and what is said to it there; it is not asked what it
        writes, and nothing is left of it.
        """
        running = self.run_()
        self.assertEqual(["tell", "me"], self.reactor.arguments)
        environment = cast(dict[str, Any], self.reactor.environment)
        self.assertEqual("no; ls", environment["WHAT"])
        self.assertEqual(os.environ["PATH"], environment["PATH"])
        self.assertEqual(["EOF"], self.reactor.process.events)
        self.reactor.protocol.childDataReceived(1, b"Done.\n")
        self.assertNoResult(running)
        self.reactor.end()
        self.successResultOf(running)
        self.assertEqual([], self.reactor.getDelayedCalls())

    def test_leaves(self) -> None:
        """
        What it has started may go on with its pipes.
        """
        running = self.run_()
        self.reactor.exit()
        self.reactor.advance(1)
        self.successResultOf(running)
        self.assertEqual([], self.reactor.getDelayedCalls())

    def test_failed(self) -> None:
        """
        One that fails is told with its last words.
        """
        running = self.run_()
        self.reactor.protocol.childDataReceived(2, b"No such room\n")
        self.reactor.end(3)
        error = self.failureResultOf(running, Distrusted)
        self.assertEqual(
            "[notify]: command exited with status 3; its last words: No such room",
            str(error.value),
        )

    def test_flood(self) -> None:
        """
        One that does not cease to write fills no log.
        """
        running = self.run_()
        with capturedLogs() as events:
            for _ in range(100):
                self.reactor.protocol.childDataReceived(2, b"No such room\n" * 1000)
        self.assertLess(len(events), 2000)
        self.reactor.end(3)
        self.failureResultOf(running, Distrusted)

    def test_missing(self) -> None:
        """
        One that is not there is a fault of the configuration, whoever looks for it.
        """
        running = self.run_()
        self.reactor.end(127)
        self.failureResultOf(running, ConfigError)
        self.reactor.missing = True
        self.failureResultOf(self.run_(), ConfigError)

    def test_late(self) -> None:
        """
        One that does not come to its end is ended.
        """
        running = self.run_()
        self.reactor.advance(60)
        self.assertEqual("TERM", self.reactor.process.events[-1])
        self.reactor.end(signal=15)
        error = self.failureResultOf(running, Distrusted)
        self.assertEqual(
            "[notify]: command did not end within 60 seconds", str(error.value)
        )
        self.assertEqual([], self.reactor.getDelayedCalls())

    def test_left(self) -> None:
        """
        What it has started, and what does not end when it is told to, is ended by
        force.
        """
        running = self.run_()
        family = Family()
        cast(Any, self.reactor.protocol)._family = family
        self.reactor.advance(60)
        self.reactor.end(signal=15)
        self.failureResultOf(running, Distrusted)
        self.reactor.advance(1)
        self.assertEqual(["TERM", "KILL"], family.heard)

    def test_cancelled(self) -> None:
        """
        So is one that is no longer wanted.
        """
        running = self.run_()
        running.cancel()
        self.assertEqual("TERM", self.reactor.process.events[-1])
        self.reactor.end(signal=15)
        self.failureResultOf(running, CancelledError, Distrusted)
