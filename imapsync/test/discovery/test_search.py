"""
Tests for L{imapsync.discovery.search}.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import DNSLookupError
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imapsync.discovery import autoconfig, pacc
from imapsync.discovery.address import Address
from imapsync.discovery.proposal import Proposal
from imapsync.discovery.records import Service
from imapsync.discovery.search import PATIENCE, Search
from imapsync.errors import Lost
from imapsync.test.discovery.test_autoconfig import server
from imapsync.test.discovery.test_pacc import DOCUMENT, text

T = TypeVar("T")

ME = Address("me", "example.org")

OWN, WELL_KNOWN = autoconfig.urls(ME)
DATABASE = "https://autoconfig.thunderbird.net/v1.1/example.org"


class World:
    """
    What there is to be found.

    @ivar pages: documents by URL.
    @ivar records: those of DNS by name: SRV, TXT and MX.
    @ivar doors: hosts and ports at which a server greets.
    @ivar silent: what never answers, by URL, name or host.
    @ivar asked: all that was asked for.
    """

    def __init__(self) -> None:
        self.pages: dict[str, bytes] = {}
        self.records: dict[str, Sequence[Service]] = {}
        self.known: dict[str, list[str]] = {}
        self.doors: set[tuple[str, int]] = set()
        self.silent: set[str] = set()
        self.asked: list[str] = []

    def _answer(self, name: str, answer: T | None, error: Exception) -> Deferred[T]:
        self.asked.append(name)
        if name in self.silent:
            return Deferred()
        return fail(error) if answer is None else succeed(answer)

    async def get(self, url: str) -> bytes:
        """
        A document.
        """
        return await self._answer(url, self.pages.get(url), Lost("none"))

    async def services(self, name: str) -> Sequence[Service]:
        """
        SRV records.
        """
        return await self._answer(name, self.records.get(name, ()), Lost("none"))

    async def texts(self, name: str) -> Sequence[str]:
        """
        TXT records.
        """
        return await self._answer(name, self.known.get(name, []), Lost("none"))

    exchanges = texts

    async def answers(self, host: str, port: int, kind: str) -> bool:
        """
        Whether a server greets there.
        """
        open_ = (host, port) in self.doors or None
        return await self._answer(host, open_, DNSLookupError())


class FindTests(SynchronousTestCase):
    """
    Tests for L{Search.find}.
    """

    def setUp(self) -> None:
        """
        A domain of which nothing is known.
        """
        self.clock = Clock()
        self.world = World()
        self.search = Search(self.clock, self.world, self.world, self.world)

    def find(self) -> Deferred[tuple[Proposal, ...]]:
        """
        Begin.
        """
        return Deferred.fromCoroutine(self.search.find(ME))

    def hosts(self) -> list[str]:
        """
        What is found at once.
        """
        return [one.host for one in self.successResultOf(self.find())]

    def test_nothing(self) -> None:
        """
        Where nothing is known, that is the answer; and no clock goes on.
        """
        self.assertEqual([], self.hosts())
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_order(self) -> None:
        """
        What is told over TLS comes before DNS, DNS before what is known of a mail
        exchange, and that before what was guessed.
        """
        world = self.world
        world.pages[pacc.url(ME)] = DOCUMENT
        world.known[pacc.record(ME)] = [text(DOCUMENT)]
        world.pages[OWN] = server(hostname="own.example.org")
        world.pages[WELL_KNOWN] = server(hostname="known.example.org")
        world.pages[DATABASE] = server(hostname="database.example.org")
        world.records["_imaps._tcp.example.org"] = [Service(0, 0, 993, "srv.net")]
        world.records["_imap._tcp.example.org"] = [Service(0, 0, 143, "start.net")]
        world.known["example.org"] = ["mx.host.net"]
        exchange = f"{autoconfig.DATABASE}host.net"
        world.pages[exchange] = server(hostname="exchange.net")
        world.doors = {("mail.example.org", 993), ("imap.example.org", 143)}
        for source, host, vouched in (
            (pacc.url(ME), "imap.example.org", True),
            (OWN, "own.example.org", True),
            (WELL_KNOWN, "known.example.org", True),
            (DATABASE, "database.example.org", True),
            ("_imaps._tcp.example.org", "srv.net", False),
            ("_imap._tcp.example.org", "start.net", False),
            (exchange, "exchange.net", False),
            ("mail.example.org", "mail.example.org", True),
        ):
            [found] = self.successResultOf(self.find())
            self.assertEqual((host, vouched), (found.host, found.vouched))
            world.pages.pop(source, None)
            world.records.pop(source, None)
            world.doors.discard((source, 993))
        [found] = self.successResultOf(self.find())
        self.assertEqual(("imap.example.org", "imap"), (found.host, found.type))

    def test_several(self) -> None:
        """
        What others have found until then is proposed, too.
        """
        self.world.silent.add(pacc.url(ME))
        self.world.pages[OWN] = server(hostname="own.example.org")
        self.world.doors.add(("imap.example.org", 993))
        finding = self.find()
        self.clock.advance(PATIENCE)
        hosts = [one.host for one in self.successResultOf(finding)]
        self.assertEqual(["own.example.org", "imap.example.org"], hosts)

    def test_same(self) -> None:
        """
        A server that several know is proposed once, as the best of them has it.
        """
        self.world.pages[OWN] = server(username="%EMAILLOCALPART%")
        self.world.pages[DATABASE] = server()
        self.world.doors.add(("imap.example.org", 993))
        [found] = self.successResultOf(self.find())
        self.assertEqual("me", found.username)

    def test_soon(self) -> None:
        """
        Nobody is waited for who could only have the lower word.
        """
        self.world.pages[OWN] = server()
        self.world.silent |= {WELL_KNOWN, "_imaps._tcp.example.org", "imap.example.org"}
        self.assertEqual(["imap.example.org"], self.hosts())
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_late(self) -> None:
        """
        Who could have the higher word is waited for; but not for ever.
        """
        self.world.silent.add(OWN)
        self.world.doors.add(("mail.example.org", 993))
        finding = self.find()
        self.clock.advance(PATIENCE - 1)
        self.assertNoResult(finding)
        self.clock.advance(1)
        [found] = self.successResultOf(finding)
        self.assertEqual("mail.example.org", found.host)

    def test_broken(self) -> None:
        """
        What cannot be read is as if it were not there.
        """
        self.world.pages[OWN] = b"<html>not here"
        self.world.pages[pacc.url(ME)] = DOCUMENT
        self.world.pages[DATABASE] = server()
        self.assertEqual(["imap.example.org"], self.hosts())

    def test_private(self) -> None:
        """
        Nobody but the domain learns the address.
        """
        self.world.known["example.org"] = ["mx.a.host.net"]
        self.hosts()
        told = [name for name in self.world.asked if "me%40" in name or "me@" in name]
        self.assertEqual([OWN, WELL_KNOWN], told)
        self.assertIn(f"{autoconfig.DATABASE}host.net", self.world.asked)

    def test_oddExchange(self) -> None:
        """
        What DNS says is no part of an URL unless it is a name.
        """
        for name in ("mx.a/../../x?.host.net", "mx.\ufffd.net", "mx.a b.net", "."):
            self.world.known["example.org"] = [name]
            self.world.asked.clear()
            self.hosts()
            database = [x for x in self.world.asked if "thunderbird" in x]
            self.assertEqual([DATABASE], database)

    def test_bug(self) -> None:
        """
        A mistake of ours is told, and does not hide what others know.
        """
        self.world.pages[OWN] = server()
        self.world.pages[pacc.url(ME)] = "no octets"  # type: ignore[assignment]
        self.assertEqual(["imap.example.org"], self.hosts())
        self.assertEqual(1, len(self.flushLoggedErrors(TypeError)))

    def test_cancelled(self) -> None:
        """
        Who does not want to know any more leaves nothing behind.
        """
        self.world.silent.add(OWN)
        finding = self.find()
        finding.cancel()
        self.failureResultOf(finding)
        self.assertEqual([], self.clock.getDelayedCalls())
