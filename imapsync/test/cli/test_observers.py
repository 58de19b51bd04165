"""
Tests for L{imapsync.cli.observers}.
"""

from __future__ import annotations

import io

from twisted.logger import ILogObserver, LogEvent, Logger, globalLogPublisher
from twisted.python import log
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import provider

from imapsync.cli.observers import AccountObserver, TextObserver
from imapsync.log import Log, account


class LogsTests(SynchronousTestCase):
    """
    What is written of an event.
    """

    def observer(self, least: str = "info", tracebacks: bool = False) -> TextObserver:
        """
        An observer that writes to C{self.file}.
        """
        self.file = io.StringIO()
        return TextObserver(self.file, least, tracebacks)

    def lines(self) -> list[str]:
        """
        What was written, without the time.
        """
        lines = self.file.getvalue().splitlines()
        for line in lines:
            self.assertRegex(line, r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d ")
        return [line.split(" ", 2)[2] for line in lines]

    def test_levels(self) -> None:
        """
        A level is named unless it is the usual one; what is below the least
        is not written.
        """
        for least, number in (("debug", 4), ("info", 3), ("warn", 2), ("error", 1)):
            logger = Logger("imapsync.service", observer=self.observer(least))
            logger.debug("a")
            logger.info("{what}", what="b")
            logger.warn("c")
            logger.error("d")
            expected = ["debug: a", "b", "warn: c", "error: d"]
            self.assertEqual(expected[-number:], self.lines())

    def test_others(self) -> None:
        """
        Of others, only what goes wrong is written.
        """
        logger = Logger("twisted.internet", observer=self.observer("debug"))
        logger.debug("a")
        logger.info("b")
        logger.warn("c")
        self.assertEqual(["warn: c"], self.lines())

    def test_oneLine(self) -> None:
        """
        An event is one line, whatever is in it.
        """
        logger = Logger("imapsync", observer=self.observer())
        logger.info("a {what}", what="b\r\nc\u2028d\x0be")
        self.assertEqual(["a b c d e"], self.lines())

    def test_unformattable(self) -> None:
        """
        One that cannot be formatted is no end of the world.
        """
        logger = Logger("imapsync", observer=self.observer())
        logger.info("{missing}")
        logger.info("")
        self.assertEqual(2, len(self.lines()))

    def test_failure(self) -> None:
        """
        Where a failure came from is written only when asked for.
        """
        for tracebacks in (False, True):
            observer = self.observer(tracebacks=tracebacks)
            logger = Logger("imapsync", observer=observer)
            try:
                raise ZeroDivisionError("oh")
            except ZeroDivisionError:
                logger.failure("It broke.", Failure())
            text = self.file.getvalue()
            self.assertIn("critical: It broke: ZeroDivisionError('oh')", text)
            self.assertEqual(tracebacks, "Traceback" in text)

    def test_hostile(self) -> None:
        """
        Nothing that is in an event, or an error, does any harm.
        """
        logger = Logger("imapsync", observer=self.observer(tracebacks=True))
        try:
            raise ZeroDivisionError("\x1b[31m\u202e\x9b")
        except ZeroDivisionError:
            logger.failure("{what}", Failure(), what="\x1b[2J\u2066")
        lines = self.file.getvalue().split("\n")
        self.assertTrue(all(map(str.isprintable, lines)), lines)
        self.assertIn(r"\u001b[2J\u2066: ZeroDivisionError", lines[0])
        self.assertIn(r"ZeroDivisionError: \u001b[31m\u202e\u009b", lines[-2])

    def test_legacyFailure(self) -> None:
        """
        The same goes for failures that Twisted logs in the old way.
        """
        for tracebacks in (False, True):
            observer = self.observer(tracebacks=tracebacks)
            globalLogPublisher.addObserver(observer)
            try:
                raise ZeroDivisionError("oh")
            except ZeroDivisionError:
                log.err(Failure(), "Unhandled Error")
            finally:
                globalLogPublisher.removeObserver(observer)
            self.assertEqual(1, len(self.flushLoggedErrors(ZeroDivisionError)))
            text = self.file.getvalue()
            self.assertIn("Unhandled Error", text)
            self.assertIn("ZeroDivisionError", text)
            self.assertEqual(tracebacks, "Traceback" in text)
            self.assertEqual(tracebacks, "test_observers.py" in text)

    def test_legacyError(self) -> None:
        """
        One of those may have no failure.
        """
        event = {"isError": 1, "log_time": 0.0, "log_format": "oh"}
        self.observer()({**event, "log_namespace": "imapsync"})
        self.assertEqual(["oh"], self.lines())


class LogTests(SynchronousTestCase):
    """
    Tests for L{Log} and L{AccountObserver}.
    """

    def test_accounts(self) -> None:
        """
        Where there are several accounts, each line tells which it is about, and
        goes to that one's file.
        """
        files = {name: io.StringIO() for name in ("a", "b")}
        rest = io.StringIO()
        observer = AccountObserver(files, rest, "info", False)
        log = Log("imapsync", observer=observer)
        log.info("nobody's")
        token = account.set("a")
        log.info("{what}", what="first")
        account.reset(token)
        Log("imapsync", observer=observer, label="b").warn("second")
        for file, text in (
            (rest, "nobody's\n"),
            (files["a"], "a: first\n"),
            (files["b"], "warn: b: second\n"),
        ):
            self.assertEqual(text, file.getvalue().split(" ", 2)[2])

    def test_single(self) -> None:
        """
        A single account has no name, and all goes to its file.
        """
        file = io.StringIO()
        observer = AccountObserver({"": file}, io.StringIO(), "info", False)
        Log("imapsync", observer=observer).info("done")
        self.assertEqual("done\n", file.getvalue().split(" ", 2)[2])

    def test_escaped(self) -> None:
        """
        What is in an event is escaped already, for observers that are not ours:
        texts, errors, and the names of mailboxes, which cannot look alike.
        """
        events: list[LogEvent] = []

        @provider(ILogObserver)
        def observe(event: LogEvent) -> None:
            events.append(event)

        log = Log("imapsync", observer=observe)
        error = ValueError("\x9b")
        log.warn("{text}", name="a ", text="\x1b", error=error, many=5, say="a ")
        [event] = events
        found = [event[key] for key in ("name", "text", "error", "many", "say")]
        self.assertEqual([r"a\u0020", r"\u001b", r"\u009b", 5, "a "], found)

    def test_length(self) -> None:
        """
        It is not endless, though a trace may tell more.
        """
        file = io.StringIO()
        observer = AccountObserver({"": file}, io.StringIO(), "debug", False)
        log = Log("imapsync", observer=observer)
        log.info("{text}", text="x" * 10_000)
        log.debug("{text}", text="y" * 10_000)
        text = file.getvalue()
        self.assertLess(text.count("x"), 2001)
        self.assertEqual(10_000, text.count("y"))

    def test_whose(self) -> None:
        """
        What is made while an account is worked on tells of that one later, too.
        """
        file = io.StringIO()
        observer = AccountObserver({"a": file}, io.StringIO(), "info", False)
        token = account.set("a")
        log = Log("imapsync", observer=observer)
        account.reset(token)
        log.info("later")
        self.assertEqual("a: later\n", file.getvalue().split(" ", 2)[2])

    def test_namespace(self) -> None:
        """
        It says where it is used, as Twisted's does.
        """
        self.assertEqual(__name__, Log().namespace)
        self.assertEqual(f"{__name__}.Owner", Owner.log.namespace)


class Owner:
    """
    Has a log.
    """

    log = Log()
