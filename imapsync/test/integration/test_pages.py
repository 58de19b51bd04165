"""
The pages that tell a reader what to type: each command does what it says there.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.test.fakes.pages import pages
from imapsync.test.integration.dovecot import maildirServer, mdboxServer
from imapsync.test.integration.pages import Reader, steps


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
