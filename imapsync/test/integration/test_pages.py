"""
The pages that tell a reader what to type: each command does what it says there.
"""

from __future__ import annotations

import re

from twisted.trial.unittest import SynchronousTestCase

from imapsync.test.fakes.pages import pages
from imapsync.test.integration.dovecot import maildirServer, mdboxServer
from imapsync.test.integration.reader import Reader, Step, lacking, steps

#: How-tos that have no story of their own: what is theirs is tried in other tests.
OTHERS = {"administrators", "embedding", "google", "microsoft", "monitoring"}

#: What stands in a page to be read, and is typed in another test, at a terminal.
TYPED = {"imapsync --init"}


class PageTests(SynchronousTestCase):
    """
    From an empty home directory, with two servers, each page comes out as it says.
    """

    def follows(self, name: str) -> None:
        """
        Do what a page says.
        """
        page = (pages() / f"{name}.rst").read_text("utf-8")
        reader = Reader({"local": mdboxServer(), "remote": maildirServer()})
        self.addCleanup(reader.close)
        for step in steps(page):
            reader.does(step)

    def test_start(self) -> None:
        """
        Five minutes, from nothing to nothing.
        """
        self.follows("start")

    def test_running(self) -> None:
        """
        Always, and every night.
        """
        self.follows("running")

    def test_moving(self) -> None:
        """
        To another host.
        """
        self.follows("moving")

    def test_filled(self) -> None:
        """
        Two filled accounts.
        """
        self.follows("filled")

    def test_livepair(self) -> None:
        """
        A live pair.
        """
        self.follows("livepair")

    def test_laptop(self) -> None:
        """
        A laptop and a server.
        """
        self.follows("laptop")

    def test_backup(self) -> None:
        """
        A backup, and what it is good for.
        """
        self.follows("backup")

    def test_archive(self) -> None:
        """
        An archive.
        """
        self.follows("archive")

    def test_thousand(self) -> None:
        """
        Some more accounts.
        """
        self.follows("thousand")


class ReadingTests(SynchronousTestCase):
    """
    What pages do is read well.
    """

    def test_all(self) -> None:
        """
        Each page among the how-tos has a test.
        """
        index = (pages() / "index.rst").read_text("utf-8")
        told = re.search(r":caption: How-tos\n.*?\n\n(.*?)\n\n", index, re.DOTALL)
        assert told is not None
        missing = {
            name
            for name in told[1].split()
            if name not in OTHERS and not hasattr(PageTests, f"test_{name}")
        }
        self.assertEqual(set(), missing)

    def test_nothingElse(self) -> None:
        """
        A command that stands alone in a page is one that is run.
        """
        command = re.compile(
            r"^ +((?:imapsync|twistd|systemctl|doveadm) .*)", re.MULTILINE
        )
        for name in (
            "start",
            *(t[5:] for t in dir(PageTests) if t.startswith("test_")),
        ):
            found = command.findall((pages() / f"{name}.rst").read_text("utf-8"))
            self.assertEqual(set(), set(found) - TYPED, name)

    def test_steps(self) -> None:
        """
        Commands with what they print, files, and what is not shown.
        """
        page = """
.. mail: local me INBOX 1

1. Some text:

   .. code-block:: console

      $ some
      > more
      said
      $ other

.. code-block:: ini
   :caption: ~/a/file

   a = b

   c
.. equal: me you
"""
        expected = [
            Step("mail", "local me INBOX 1"),
            Step("console", "some\nmore", "said\n"),
            Step("console", "other"),
            Step("file", "a = b\n\nc\n", "a/file"),
            Step("equal", "me you"),
        ]
        self.assertEqual(expected, [*steps(page)])

    def test_lacking(self) -> None:
        """
        Numbers may be others, words may not, nor may their order.
        """
        said = "x: 12 of 3 messages\ny: done in 0.3 s.\n"
        self.assertEqual("", lacking(said, "12 of 45 messages\n\ny: done ... 1.0 s."))
        self.assertEqual("all done", lacking(said, "x: 1\nall done"))
        self.assertEqual("x: 1", lacking(said, "y: done\nx: 1"))
