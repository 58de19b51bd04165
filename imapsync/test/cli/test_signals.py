"""
Tests for L{imapsync.cli.signals}.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from threading import Event
from typing import cast

from twisted.internet.error import ReactorNotRunning
from twisted.trial.unittest import SynchronousTestCase

from imapsync.cli.signals import end, interrupt, obey, passOver
from imapsync.several.services import Several
from imapsync.test.children import NUMBERS, PATIENCE


class Obedient:
    """
    Remembers what it was told; and is a reactor that does at once what another
    thread wants.
    """

    def __init__(self) -> None:
        self.told: list[str] = []
        self.running = True

    def syncAll(self) -> None:
        """
        SIGUSR1.
        """
        self.told.append("sync")

    async def reload(self) -> None:
        """
        SIGHUP, in vain.
        """
        self.told.append("reload")
        raise ZeroDivisionError

    def failed(self, failure: object) -> None:
        """
        That was in vain.
        """
        self.told.append("failed")

    def callFromThread(self, act: Callable[..., None], *values: object) -> None:
        """
        Do it.
        """
        self.told.append("later")
        act(*values)

    def stop(self) -> None:
        """
        Stop, if it runs.
        """
        if not self.running:
            raise ReactorNotRunning
        self.running = False
        self.told.append("stop")


class SignalCase(SynchronousTestCase):
    """
    What this process does with signals, until the test ends.
    """

    def setUp(self) -> None:
        """
        Each is caught.
        """
        self.caught: list[int] = []
        for number in NUMBERS:
            self.addCleanup(signal.signal, number, signal.getsignal(number))
            signal.signal(number, lambda number, _: self.caught.append(number))
        self.obedient = Obedient()

    def send(self, *numbers: int) -> list[str]:
        """
        Send them.

        @return: what the service and the reactor were told.
        """
        for number in numbers:
            os.kill(os.getpid(), number)
        told, self.obedient.told = self.obedient.told, []
        return told


class ObeyTests(SignalCase):
    """
    Tests for L{obey}.
    """

    def obey(self) -> None:
        """
        Take signals.
        """

        def reopen() -> None:
            self.obedient.told.append("reopen")

        obey(cast(Several, self.obedient), self.obedient, reopen=reopen)

    def test_signals(self) -> None:
        """
        Each signal has its meaning; who took it before gets it, too.
        """
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        self.obey()
        self.assertEqual(
            ["later", "reopen", "reload", "failed"], self.send(signal.SIGHUP)
        )
        self.assertEqual(["later", "sync"], self.send(signal.SIGUSR1))
        self.assertEqual([signal.SIGUSR1], self.caught)

    def test_fails(self) -> None:
        """
        If that one fails, this is logged, and nothing else fails with it.
        """

        def fail(*_: object) -> None:
            raise ZeroDivisionError

        signal.signal(signal.SIGUSR1, fail)
        self.obey()
        told = ["later", "failed", "later", "sync"]
        self.assertEqual(told, self.send(signal.SIGUSR1))

    def test_ignored(self) -> None:
        """
        One that is ignored stays so.
        """
        for number in NUMBERS:
            signal.signal(number, signal.SIG_IGN)
        passOver()
        self.obey()
        self.assertEqual([], self.send(signal.SIGHUP, signal.SIGUSR1))


class EndTests(SignalCase):
    """
    Tests for L{interrupt} and L{end}.
    """

    def setUp(self) -> None:
        """
        Nothing has ended.
        """
        super().setUp()
        self.forced = Event()

    def test_interrupt(self) -> None:
        """
        As long as there is no reactor, they are C{KeyboardInterrupt}, but for
        one that is ignored; should nobody heed that, it is forced to end.
        """
        interrupt(self.forced.set)
        self.assertRaises(KeyboardInterrupt, self.send, signal.SIGINT)
        self.assertTrue(self.forced.wait(PATIENCE))
        for number in NUMBERS:
            signal.signal(number, signal.SIG_IGN)
        interrupt(self.forced.set)
        self.assertEqual([], self.send(signal.SIGINT))
        self.assertRaises(KeyboardInterrupt, self.send, signal.SIGTERM)

    def test_interruptOnce(self) -> None:
        """
        So is only the first: others would end what the first has begun to end.
        """
        interrupt(self.forced.set)
        self.assertRaises(KeyboardInterrupt, self.send, signal.SIGINT)
        self.assertEqual([], self.send(signal.SIGINT, signal.SIGTERM))

    def end(self, hangup: bool = False) -> None:
        """
        Take the signals to end.
        """
        end(self.obedient, self.forced.set, hangup)

    def test_once(self) -> None:
        """
        A program that ends need not be told twice; and it is seen to that it
        does.
        """
        self.end()
        told = self.send(signal.SIGINT, signal.SIGTERM, signal.SIGINT)
        self.assertEqual(["later", "stop"], told)
        self.assertTrue(self.forced.wait(PATIENCE))
        self.assertEqual([], self.caught)

    def test_hangup(self) -> None:
        """
        SIGHUP is one of them where it is not to be obeyed.
        """
        interrupt(self.forced.set, hangup=True)
        self.assertRaises(KeyboardInterrupt, self.send, signal.SIGHUP)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        obey(cast(Several, self.obedient), self.obedient, hangup=True)
        self.assertEqual(["later", "stop"], self.send(signal.SIGHUP))
        self.assertEqual(["later", "sync"], self.send(signal.SIGUSR1))
        self.obedient.running = True
        self.end(hangup=True)
        self.assertEqual(["later", "stop"], self.send(signal.SIGHUP))

    def test_over(self) -> None:
        """
        Nor one that has come to its end by itself.
        """
        self.obedient.running = False
        self.end()
        self.assertEqual(["later"], self.send(signal.SIGTERM))

    def test_ignored(self) -> None:
        """
        SIGINT may be ignored, SIGTERM never is.
        """
        for number in NUMBERS:
            signal.signal(number, signal.SIG_IGN)
        self.end()
        self.assertEqual([], self.send(signal.SIGINT))
        self.assertEqual(["later", "stop"], self.send(signal.SIGTERM))

    def test_fails(self) -> None:
        """
        If even that fails, it is forced to end.
        """

        def fail(*_: object) -> None:
            raise ZeroDivisionError

        self.patch(self.obedient, "callFromThread", fail)
        self.end()
        self.assertRaises(ZeroDivisionError, self.send, signal.SIGTERM)
        self.assertTrue(self.forced.wait(PATIENCE))
