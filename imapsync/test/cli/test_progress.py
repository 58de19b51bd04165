"""
Tests for L{imapsync.cli.progress}.
"""

from __future__ import annotations

import builtins
import io
import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from imapsync.cli.progress import Account, Documents, Lines, Showing, wayFor
from imapsync.cli.wording import Seen
from imapsync.mailbox.course import Flow
from imapsync.run.progress import Progress
from imapsync.run.status import SyncState
from imapsync.test.fakes.schema import complaints
from imapsync.test.fakes.terminal import Terminal


class Working(NamedTuple):
    """
    An account.
    """

    state: SyncState = SyncState.SYNCING
    progress: Progress = Progress()


class Noted:
    """
    A way of telling.
    """

    interval = 2.0

    def __init__(self) -> None:
        self.shown: list[Sequence[Seen]] = []
        self.ended = 0

    def show(self, accounts: Sequence[Seen]) -> None:
        """
        Note it.
        """
        self.shown.append(accounts)

    def end(self) -> None:
        """
        Note that.
        """
        self.ended += 1


@implementer(ILogObserver)
class Events:
    """
    All that was logged.
    """

    def __init__(self) -> None:
        self.noted: list[LogEvent] = []

    def __call__(self, event: LogEvent) -> None:
        self.noted.append(event)


class ShowingCase(SynchronousTestCase):
    """
    Two accounts at work.
    """

    def setUp(self) -> None:
        """
        Make them.
        """
        self.clock = Clock()
        self.accounts = {"a": Working(), "b": Working(SyncState.CONNECTING)}
        self.events = observer = Events()
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)

    def working(self) -> Iterable[tuple[str, Account]]:
        """
        All of them.
        """
        return self.accounts.items()

    def show(self, way: Any, live: bool = False) -> Showing:
        """
        Begin to tell of them.
        """
        showing = Showing(self.clock, way, self.working, live, since=0.0)
        showing.start()
        self.addCleanup(showing.stop)
        return showing

    def advance(self, seconds: int) -> None:
        """
        Let time pass.
        """
        self.clock.pump([1] * seconds)

    def copied(self, messages: int, left: int) -> None:
        """
        The first account has copied so many.
        """
        flow = Flow(messages, messages * 100, left)
        progress = Progress((("INBOX", "copying"),), 0, 1, remote=flow)
        self.accounts["a"] = Working(progress=progress)

    @property
    def logged(self) -> list[tuple[str, str]]:
        """
        What was logged, and of which account.
        """
        found = [(x.get("account", ""), formatEvent(x)) for x in self.events.noted]
        self.events.noted.clear()
        return [one for one in found if not one[1].startswith("Received: ")]


class ShowingTests(ShowingCase):
    """
    Tests for L{Showing}.
    """

    def test_told(self) -> None:
        """
        It is told at once, and then from time to time, until it is stopped.
        """
        way = Noted()
        showing = self.show(way)
        self.copied(20, 80)
        self.advance(5)
        self.assertEqual(3, len(way.shown))
        self.assertEqual(["a", "b"], [one.name for one in way.shown[0]])
        paces = [(one.seconds, one.pace.messages) for one, _ in way.shown]
        self.assertEqual([(0, 0), (2, 10), (4, 5)], paces)
        showing.stop()
        self.assertEqual((1, []), (way.ended, self.clock.getDelayedCalls()))

    def test_over(self) -> None:
        """
        One that is done is not told of any more; after the last, nothing is looked at.
        """
        way = Noted()
        self.show(way)
        self.accounts["a"] = Working(SyncState.STOPPED)
        self.advance(2)
        self.assertEqual(["b"], [one.name for one in way.shown[-1]])
        self.accounts["b"] = Working(SyncState.STOPPED)
        self.advance(2)
        self.assertEqual(([], 1), ([*way.shown[-1]], way.ended))
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_live(self) -> None:
        """
        Of a live one, only the first sync is told of.
        """
        way = Noted()
        self.accounts = {"a": Working(SyncState.FIRST_SYNC)}
        self.show(way, live=True)
        self.assertEqual(1, len(way.shown[-1]))
        self.accounts["a"] = Working(SyncState.WAITING)
        self.advance(2)
        self.accounts["a"] = Working(SyncState.CONNECTING)
        self.advance(10)
        self.assertEqual((2, 1), (len(way.shown), way.ended))


class LinesTests(ShowingCase):
    """
    Tests for L{Lines}.
    """

    def test_lines(self) -> None:
        """
        Every half a minute, there is a line for each account that works.
        """
        self.show(Lines())
        for second in range(1, 31):
            self.assertEqual([], self.logged)
            self.copied(10 * second, 1000 - 10 * second)
            self.advance(1)
        self.assertEqual(
            [
                (
                    "a",
                    "a: Copying INBOX: 0 of 1 mailbox, 300 of 1,000 messages (29.3 KiB"
                    " of about 97.7 KiB)"
                    " to remote; 10 messages/s, 1000 octets/s; about 1 min left.",
                )
            ],
            self.logged,
        )
        self.advance(29)
        self.assertEqual([], self.logged)
        self.advance(1)
        self.assertEqual(1, len(self.logged))


class DocumentsTests(ShowingCase):
    """
    Tests for L{Documents}.
    """

    def setUp(self) -> None:
        """
        Standard output is a file.
        """
        super().setUp()
        self.output = io.StringIO()
        self.patch(sys, "stdout", self.output)

    def told(self) -> list[Any]:
        """
        What was told since.
        """
        found = [json.loads(line) for line in self.output.getvalue().splitlines()]
        self.output.seek(0)
        self.output.truncate()
        for one in found:
            self.assertEqual([], complaints(one))
        return found

    def test_documents(self) -> None:
        """
        Each change is told, at most once in a second, as it is promised.
        """
        self.show(Documents("/{}".format))
        self.assertEqual(["/a", "/b"], [one["config"] for one in self.told()])
        self.advance(5)
        self.assertEqual([], self.told())
        self.copied(100, 50)
        self.advance(1)
        [told] = self.told()
        self.assertEqual(
            ("progress", "a", 6.0),
            (*map(told.get, ("kind", "account")), told["seconds"]),
        )
        self.assertEqual("syncing", told["state"])
        self.assertEqual(
            {"messages": 100, "octets": 10000, "left": 50}, told["progress"]["remote"]
        )
        self.assertEqual(
            [{"name": "INBOX", "doing": "copying"}], told["progress"]["now"]
        )

    def test_closed(self) -> None:
        """
        If nobody takes it, it is told no more, and that once.
        """
        self.patch(sys, "stdout", None)
        self.show(Documents("/{}".format))
        self.advance(5)
        [(_, text)] = self.logged
        self.assertTrue(text.startswith("Progress is not told any more: "), text)


class WayTests(ShowingCase):
    """
    Tests for L{wayFor}.
    """

    def way(self, asked: str, terminal: bool, **environ: str) -> str:
        """
        The way that is chosen, by name.
        """
        self.patch(sys, "stderr", Terminal(80) if terminal else io.StringIO())
        self.patch(os, "environ", environ)
        way = wayFor(asked, str)
        way.end()
        return type(way).__name__

    def test_auto(self) -> None:
        """
        A bar is for terminals that can draw one.
        """
        self.assertEqual("Bar", self.way("auto", True, TERM="xterm"))
        self.assertEqual("Lines", self.way("auto", True, TERM="dumb"))
        self.assertEqual("Lines", self.way("auto", True))
        self.assertEqual("Lines", self.way("auto", False, TERM="xterm"))
        self.patch(sys, "stderr", None)
        self.assertIsInstance(wayFor("auto", str), Lines)
        self.assertEqual([], self.logged)

    def test_asked(self) -> None:
        """
        What was asked for is done, or it is said why it is not.
        """
        self.assertEqual("Lines", self.way("log", True, TERM="xterm"))
        self.assertEqual("Documents", self.way("json", True, TERM="xterm"))
        self.assertEqual([], self.logged)
        self.assertEqual("Lines", self.way("bar", False, TERM="xterm"))
        [(_, text)] = self.logged
        self.assertIn("standard error is no terminal", text)

    def test_missing(self) -> None:
        """
        Without C{rich} there are lines; that is said if a bar was asked for.
        """
        real = builtins.__import__

        def without(name: str, *arguments: Any) -> Any:
            if name == "imapsync.cli.bar":
                raise ImportError("No module named 'rich'")
            return real(name, *arguments)

        self.patch(builtins, "__import__", without)
        self.assertEqual("Lines", self.way("auto", True, TERM="xterm"))
        self.assertEqual([], self.logged)
        self.assertEqual("Lines", self.way("bar", True, TERM="xterm"))
        [(_, text)] = self.logged
        self.assertIn("pip install 'imapsync[progress]'", text)
