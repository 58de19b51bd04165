"""
Tests for L{imapsync.cli.logfile}.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import provider

from imapsync.cli.logfile import LogFiles
from imapsync.errors import ConfigError


class LogFilesTests(SynchronousTestCase):
    """
    Tests for L{LogFiles}.
    """

    def setUp(self) -> None:
        """
        Two accounts with a file each, and one that writes to standard error.
        """
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.errors = io.StringIO()
        self.patch(sys, "stderr", self.errors)
        self.names: dict[str, str | None] = {
            "a": str(self.folder / "a"),
            "b": str(self.folder / "b"),
            "c": None,
        }
        self.logs = LogFiles(self.names)
        self.addCleanup(self.logs.close)

    def write(self) -> dict[str, str]:
        """
        Write a line to each.

        @return: what there is now, by the names of files.
        """
        for name, file in self.logs.files.items():
            file.write(f"{name}\n")
        found = {path.name: path.read_text() for path in self.folder.iterdir()}
        return {**found, "": self.errors.getvalue()}

    def test_written(self) -> None:
        """
        What is written is there at once, and only its owner may read it.
        """
        self.assertEqual({"a": "a\n", "b": "b\n", "": "c\n"}, self.write())
        self.assertEqual(0o600, (self.folder / "a").stat().st_mode & 0o777)

    def test_reopen(self) -> None:
        """
        A file that was moved away is made again.
        """
        self.write()
        (self.folder / "a").rename(self.folder / "a.1")
        self.logs.reopen()
        written = {"a.1": "a\n", "a": "a\n", "b": "b\nb\n", "": "c\nc\n"}
        self.assertEqual(written, self.write())

    def test_reopenInVain(self) -> None:
        """
        Where that fails, the log goes on where it was, and says so.
        """
        said: list[LogEvent] = []

        @provider(ILogObserver)
        def hear(event: LogEvent) -> None:
            said.append(event)

        globalLogPublisher.addObserver(hear)
        self.addCleanup(globalLogPublisher.removeObserver, hear)
        (self.folder / "a").rename(self.folder / "a.1")
        (self.folder / "a").mkdir()
        self.logs.reopen()
        self.logs.files["a"].write("on\n")
        self.assertEqual("on\n", (self.folder / "a.1").read_text())
        [event] = said
        self.assertIn("Is a directory; see logfile", str(event["error"]))

    def test_follow(self) -> None:
        """
        A changed name is followed; to standard error and from it, too.
        """
        self.write()
        self.names.update(a=None, c=str(self.folder / "c"))
        self.logs.follow(self.names)
        self.assertEqual(
            {"a": "a\n", "b": "b\nb\n", "c": "c\n", "": "c\na\n"}, self.write()
        )

    def test_followInVain(self) -> None:
        """
        Where one cannot be opened, all go on where they were.
        """
        names = {**self.names, "a": str(self.folder / "d"), "b": "/nowhere/b"}
        error = self.assertRaises(ConfigError, self.logs.follow, names)
        self.assertIn("/nowhere/b: No such file or directory; see ", str(error))
        self.assertEqual("a\n", self.write()["a"])
        self.assertEqual(self.names["a"], self.logs.files["a"].name)

    def test_full(self) -> None:
        """
        What cannot be written is given up.
        """
        logs = LogFiles({"": "/dev/full"})
        logs.files[""].write("x\n")
        logs.close()

    def test_nowhere(self) -> None:
        """
        Without standard error, what would go there goes nowhere.
        """
        self.patch(sys, "stderr", None)
        logs = LogFiles({"": None})
        logs.files[""].write("x\n")
        logs.close()
