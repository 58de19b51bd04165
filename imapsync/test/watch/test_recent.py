"""
Tests for L{imapsync.watch.recent}.
"""

from __future__ import annotations

from twisted.logger import LogPublisher
from twisted.trial.unittest import SynchronousTestCase

from imapsync.log import Log
from imapsync.watch.facts import Line
from imapsync.watch.recent import ALL, EACH, LONGEST, Recent


class RecentTests(SynchronousTestCase):
    """
    The last lines of each account are remembered.
    """

    def setUp(self) -> None:
        self.recent = Recent()
        self.publisher = LogPublisher(self.recent)
        for name in ("", "anna", "ben"):
            self.recent.begin(name)

    def log(self, name: str = "anna", namespace: str = "imapsync.run.live") -> Log:
        return Log(namespace, None, self.publisher, name)

    def texts(self, name: str = "anna") -> list[tuple[str, str]]:
        return [(one.level, one.text) for one in self.recent.lines(name)]

    def test_lines(self) -> None:
        """
        Each account has its own, without its name.
        """
        self.log().info("Copied {count}.", count=1)
        self.log("ben").warn("{error}; trying again.", error="Connection lost")
        self.log("").error("No.")
        self.assertEqual([("info", "Copied 1.")], self.texts())
        self.assertEqual(
            [("warn", "Connection lost; trying again.")], self.texts("ben")
        )
        self.assertEqual([("error", "No.")], self.texts(""))

    def test_time(self) -> None:
        """
        A line has the time at which it was logged.
        """
        event = {"log_time": 5.0, "log_namespace": "imapsync.log", "account": "anna"}
        self.publisher({**event, "log_format": "A."})
        self.assertEqual((Line(5.0, "info", "A."),), self.recent.lines("anna"))

    def test_debug(self) -> None:
        """
        What is for debugging is no part of it: passwords may be.
        """
        self.log().debug("local C: LOGIN me secret")
        self.assertEqual([], self.texts())

    def test_others(self) -> None:
        """
        Nor is what others log, nor what is about accounts that are not there.
        """
        self.log(namespace="twisted.web").warn("Something.")
        self.log("carl").warn("Something.")
        self.assertEqual([], self.texts())
        self.assertRaises(KeyError, self.recent.lines, "carl")

    def test_safe(self) -> None:
        """
        What a server said cannot paint, nor fill the memory.
        """
        event = {"log_time": 5.0, "log_namespace": "imapsync.log", "account": "anna"}
        text = "\x1b[2J\n" + "x" * 3 * LONGEST
        self.publisher({**event, "log_format": "{text}", "text": text})
        [(_, told)] = self.texts()
        self.assertTrue(told.startswith(r"\u001b[2J x"), told)
        self.assertEqual(LONGEST, len(told))

    def test_bounded(self) -> None:
        """
        Of one account, only so many are remembered: the last.
        """
        for number in range(EACH + 3):
            self.log().info("{number}", number=number)
        self.assertEqual(EACH, len(self.texts()))
        self.assertEqual(("info", "3"), self.texts()[0])
        self.assertEqual(("info", str(EACH + 2)), self.texts()[-1])

    def test_boundedInAll(self) -> None:
        """
        Of all of them, too: what was logged first, whoever's it is, is forgotten.
        """
        names = [f"u{number}" for number in range(ALL // EACH + 1)]
        for name in names:
            self.recent.begin(name)
            for number in range(EACH):
                self.log(name).info("{number}", number=number)
        self.assertEqual([], self.texts(names[0]))
        self.assertEqual(ALL, sum(len(self.texts(name)) for name in names))
        self.log(names[0]).info("more")
        self.assertEqual([("info", "more")], self.texts(names[0]))
        self.assertEqual(("info", "1"), self.texts(names[1])[0])

    def test_ended(self) -> None:
        """
        All about an account that is gone is forgotten, and its room is free.
        """
        self.log().info("A.")
        self.recent.end("anna")
        self.assertRaises(KeyError, self.recent.lines, "anna")
        self.recent.begin("anna")
        self.assertEqual([], self.texts())
