"""
Tests for L{imapsync.cli.signals}.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any, cast

from twisted.trial.unittest import SynchronousTestCase

from imapsync.cli.services import Several
from imapsync.cli.signals import endOnce, obey


class Obedient:
    """
    Remembers what it was told; and is a reactor that does at once what another
    thread wants.
    """

    def __init__(self) -> None:
        self.told: list[str] = []

    def syncNow(self) -> None:
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

    def callFromThread(self, act: Callable[[], None]) -> None:
        """
        Do it.
        """
        self.told.append("later")
        act()


class SignalTests(SynchronousTestCase):
    """
    Tests for L{obey}.
    """

    def test_signals(self) -> None:
        """
        Each signal has its meaning; who took it before gets it, too.
        """
        numbers = (signal.SIGHUP, signal.SIGUSR1)
        caught: list[int] = []

        def catch(number: int, _: Any) -> None:
            caught.append(number)

        for number in numbers:
            self.addCleanup(signal.signal, number, signal.getsignal(number))
        signal.signal(signal.SIGUSR1, catch)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        obedient = Obedient()
        obey(cast(Several, obedient), obedient)
        for number in numbers:
            os.kill(os.getpid(), number)
        self.assertEqual(["later", "reload", "failed", "later", "sync"], obedient.told)
        self.assertEqual([signal.SIGUSR1], caught)

    def test_endOnce(self) -> None:
        """
        A program that ends need not be told twice.
        """
        numbers = (signal.SIGINT, signal.SIGTERM)
        caught: list[int] = []
        for number in numbers:
            self.addCleanup(signal.signal, number, signal.getsignal(number))
            signal.signal(number, lambda number, _: caught.append(number))
        endOnce()
        for number in numbers * 2:
            os.kill(os.getpid(), number)
        self.assertEqual([signal.SIGINT], caught)
