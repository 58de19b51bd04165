"""
Tests for L{imapsync.discovery.documents}.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imapsync.discovery.documents import Documents
from imapsync.errors import Lost
from imapsync.http.web import MOST, Web
from imapsync.test.fakes.sites import Reply, Sites

URL = "https://autoconfig.example.org/mail"


def moved(location: str, status: int = 302) -> Reply:
    """
    An answer that says where to ask.
    """
    return Reply(b"elsewhere", status, {"Location": location})


class GetTests(SynchronousTestCase):
    """
    Tests for L{Documents.get}.
    """

    def setUp(self) -> None:
        """
        The web, which is empty.
        """
        self.sites = Sites()
        self.documents = Documents(Web(Clock(), self.sites))

    def get(self, url: str = URL) -> Deferred[bytes]:
        """
        Ask.
        """
        return Deferred.fromCoroutine(self.documents.get(url))

    def test_document(self) -> None:
        """
        A document is what is there; of what kind does not matter.
        """
        self.sites.pages[URL] = Reply(b"<x/>")
        self.assertEqual(b"<x/>", self.successResultOf(self.get()))
        accept = self.sites.asked[0].headers.getRawHeaders("accept")
        self.assertEqual(["*/*"], accept)

    def test_moved(self) -> None:
        """
        One that has moved is followed, to another host or within it.
        """
        self.sites.pages |= {
            URL: moved("/other", 301),
            "https://autoconfig.example.org/other": moved("https://host.net:444/x"),
            "https://host.net:444/x": Reply(b"<x/>"),
        }
        self.assertEqual(b"<x/>", self.successResultOf(self.get()))

    def test_unsafe(self) -> None:
        """
        What does not come over TLS is not even asked for.
        """
        for location in (
            *("http://host.net/", "//user@host.net/", "file:///etc/passwd"),
            *("https://[::1", "https://host.net:0/", "https://h\u00f6.net/"),
        ):
            self.sites.pages = {URL: moved(location)}
            self.sites.asked.clear()
            self.failureResultOf(self.get(), Lost)
            self.assertEqual([URL], [asked.url for asked in self.sites.asked])
        self.failureResultOf(self.get("http://autoconfig.example.org/"), Lost)

    def test_none(self) -> None:
        """
        What is none is said to be none: not found, too large, moved in a circle, or
        to nowhere.
        """
        for reply in (
            Reply(b"", 404),
            Reply(b"", 204),
            Reply(b"", 301),
            Reply(b"x" * (MOST + 1)),
            moved(URL),
            ConnectionError("no"),
        ):
            self.sites.pages = {URL: reply}
            self.failureResultOf(self.get(), Lost)
