"""
Finding servers with real name servers, web servers and mail servers, all on loopback.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from twisted.internet import reactor as globalReactor
from twisted.internet._resolver import HostResolution
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, wrapClientTLS
from twisted.internet.interfaces import (
    IDelayedCall,
    IHostnameResolver,
    IHostResolution,
    IListeningPort,
    IReactorPluggableNameResolver,
    IResolutionReceiver,
    IStreamClientEndpoint,
)
from twisted.internet.ssl import (
    Certificate,
    DefaultOpenSSLContextFactory,
    optionsForClientTLS,
)
from twisted.internet.task import Clock, deferLater
from twisted.names import dns
from twisted.names.authority import FileAuthority
from twisted.names.server import DNSServerFactory
from twisted.protocols.policies import WrappingFactory
from twisted.trial.unittest import TestCase
from twisted.web.client import URI, Agent
from twisted.web.iweb import IAgentEndpointFactory
from twisted.web.resource import Resource
from twisted.web.server import Request, Site
from zope.interface import directlyProvides, implementer

from imapsync.cli.init import Servers
from imapsync.discovery import autoconfig, pacc, resolver, search
from imapsync.discovery.address import Address
from imapsync.discovery.documents import Documents
from imapsync.discovery.greeting import Knocker
from imapsync.discovery.records import Service
from imapsync.discovery.resolver import Names
from imapsync.discovery.search import Search
from imapsync.errors import ConfigError, Distrusted, Lost
from imapsync.http.web import MOST, Web
from imapsync.model import Side
from imapsync.test.discovery.test_autoconfig import server
from imapsync.test.discovery.test_pacc import DOCUMENT, text
from imapsync.test.integration import certificates
from imapsync.test.integration.dovecot import (
    Dovecot,
    Settings,
    maildirServer,
    mdboxServer,
)
from imapsync.test.integration.server import PASSWORD

ME = Address("me", "example.org")

#: What the web servers are called.
_HOSTS = (
    *("autoconfig.example.org", "example.org", "ua-auto-config.example.org"),
    "autoconfig.thunderbird.net",
)


class Pages(Resource):
    """
    What all web servers have.

    @ivar found: documents, by URL.
    @ivar moved: other URLs, likewise.
    """

    isLeaf = True

    def __init__(self) -> None:
        Resource.__init__(self)
        self.found: dict[str, bytes] = {}
        self.moved: dict[str, str] = {}

    def render_GET(self, request: Request) -> bytes:
        """
        One of them.
        """
        host = request.getRequestHostname().decode()
        url = f"https://{host}{request.uri.decode()}"
        if url in self.moved:
            request.redirect(self.moved[url].encode())
        elif url not in self.found:
            request.setResponseCode(404)
        return self.found.get(url, b"")


@implementer(IAgentEndpointFactory)
class Loopback:
    """
    Leads to a port here, whatever a web server is called, with its name in TLS.
    """

    def __init__(self, port: int, authority: Path) -> None:
        self._port = port
        self._root = Certificate.loadPEM(authority.read_bytes())

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        """
        A way there.
        """
        endpoint = TCP4ClientEndpoint(globalReactor, "127.0.0.1", self._port)
        options = optionsForClientTLS(uri.host.decode(), trustRoot=self._root)
        return wrapClientTLS(options, endpoint)


class Zone(FileAuthority):
    """
    A domain, without a file.
    """

    def __init__(self, name: bytes, found: Mapping[str, Sequence[Any]]) -> None:
        soa = dns.Record_SOA(b"ns." + name, b"root." + name)
        self._known = {name: [soa]}
        for one, records in found.items():
            self._known.setdefault(one.encode(), []).extend(records)
        self._first = (name, soa)
        FileAuthority.__init__(self, "")

    def loadFile(self, filename: str) -> None:
        """
        All is known.
        """
        vars(self).update(soa=self._first, records=self._known)


class Doors:
    """
    Closed.
    """

    async def answers(self, host: str, port: int, kind: str) -> bool:
        """
        Nobody is there.
        """
        return False


class Tidy:
    """
    A reactor that can be left in the middle of a question to a name server, which
    nobody can take back.
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._calls: list[IDelayedCall] = []
        self._ports: list[IListeningPort] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)

    def callLater(self, *arguments: Any) -> IDelayedCall:
        """
        Call something later.
        """
        call: IDelayedCall = self._reactor.callLater(*arguments)
        self._calls.append(call)
        return call

    def listenUDP(self, *arguments: Any, **more: Any) -> IListeningPort:
        """
        Listen.
        """
        port: IListeningPort = self._reactor.listenUDP(*arguments, **more)
        self._ports.append(port)
        return port

    async def leave(self) -> None:
        """
        Forget all questions.
        """
        for call in self._calls:
            if call.active():
                call.cancel()
        for port in self._ports:
            stopping = port.stopListening()
            if stopping is not None:
                await stopping


class DiscoveryCase(TestCase):
    """
    Has a name server and a web server.
    """

    def setUp(self) -> None:
        """
        Both know nothing.
        """
        self.reactor = cast(Any, globalReactor)
        self.tidy = Tidy(globalReactor)
        self.addCleanup(lambda: Deferred.fromCoroutine(self.tidy.leave()))
        self.pages = Pages()
        folder = Path(self.mktemp())
        folder.mkdir()
        certificate = certificates.issue(folder, _HOSTS)
        context = DefaultOpenSSLContextFactory(
            str(certificate.key), str(certificate.path)
        )
        site = Site(self.pages)
        site.displayTracebacks = False
        self.served = WrappingFactory(site)
        self.served.noisy = False
        listen = self.reactor.listenSSL
        port = listen(0, self.served, context, interface="127.0.0.1")
        self.addCleanup(lambda: Deferred.fromCoroutine(self.left()))
        self.addCleanup(port.stopListening)
        agent = Agent.usingEndpointFactory(
            self.reactor, Loopback(port.getHost().port, certificate.authority)
        )
        self.documents = Documents(Web(self.reactor, agent))
        self.names = self.nameServer({})

    async def left(self) -> None:
        """
        Wait until nobody asks the web server any more.
        """
        while self.served.protocols:
            await deferLater(self.reactor, 0)

    def nameServer(self, records: Mapping[str, Sequence[Any]]) -> Names:
        """
        One that knows these records.
        """
        return Names(self.tidy, [self.listen(records)])

    def listen(self, records: Mapping[str, Sequence[Any]]) -> tuple[str, int]:
        """
        Begin one.

        @return: its address and port.
        """
        zone = Zone(b"example.org", records)
        factory = DNSServerFactory(clients=[zone])
        factory.noisy = False
        protocol = dns.DNSDatagramProtocol(factory, reactor=self.reactor)
        protocol.noisy = False
        port = self.reactor.listenUDP(0, protocol, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        return "127.0.0.1", port.getHost().port


class SearchTests(DiscoveryCase):
    """
    All together.
    """

    async def find(self, names: Names) -> list[tuple[str, int, str, bool]]:
        """
        What is found.
        """
        search = Search(Clock(), self.documents, names, Doors())
        found = await search.find(ME)
        return [(one.host, one.port, one.type, one.vouched) for one in found]

    async def test_document(self) -> None:
        """
        A domain's own document is found where it has moved.
        """
        url, _ = autoconfig.urls(ME)
        self.pages.moved[url] = "https://example.org/moved.xml"
        self.pages.found["https://example.org/moved.xml"] = server()
        found = await self.find(self.names)
        self.assertEqual([("imap.example.org", 993, "imaps", True)], found)

    async def test_pacc(self) -> None:
        """
        One that DNS tells the digest of is believed; in DNS it is in pieces.
        """
        self.pages.found[pacc.url(ME)] = DOCUMENT
        said = text(DOCUMENT).encode()
        record = dns.Record_TXT(said[:20], said[20:])
        names = self.nameServer({pacc.record(ME): [record]})
        found = await self.find(names)
        self.assertEqual([("imap.example.org", 993, "imaps", True)], found)
        self.assertEqual([], await self.find(self.names))

    async def test_service(self) -> None:
        """
        Else DNS is asked for services.
        """
        names = self.nameServer(
            {
                "_imaps._tcp.example.org": [
                    dns.Record_SRV(10, 0, 1993, b"mx.example.org"),
                    dns.Record_SRV(20, 0, 993, b"host.example.net"),
                ],
                "_imap._tcp.example.org": [dns.Record_SRV(0, 0, 0, b"")],
            }
        )
        found = await self.find(names)
        self.assertEqual(("mx.example.org", 1993, "imaps", True), found[0])
        self.assertEqual(("host.example.net", 993, "imaps", False), found[1])

    async def test_exchange(self) -> None:
        """
        Else a database is asked for who takes the mail.
        """
        exchange = dns.Record_MX(10, b"mx1.example.net")
        names = self.nameServer({"example.org": [exchange]})
        url = f"{autoconfig.DATABASE}example.net"
        self.pages.found[url] = server(hostname="imap.example.net")
        found = await self.find(names)
        self.assertEqual([("imap.example.net", 993, "imaps", False)], found)


@implementer(IHostnameResolver)
class Nowhere:
    """
    Knows no host.
    """

    def resolveHostName(
        self, resolutionReceiver: IResolutionReceiver, hostName: str, *_: Any, **__: Any
    ) -> IHostResolution:
        """
        It has no address.
        """
        resolution = HostResolution(hostName)
        resolutionReceiver.resolutionBegan(resolution)
        resolutionReceiver.resolutionComplete()
        return resolution


class ServersTests(DiscoveryCase):
    """
    What C{--init} asks.
    """

    async def test_find(self) -> None:
        """
        The system's name servers, and hosts that they know.
        """
        record = dns.Record_SRV(0, 0, 993, b"mx.example.org")
        place = self.listen({"_imaps._tcp.example.org": [record]})
        self.patch(resolver, "_configured", lambda: [place])
        self.patch(search, "PATIENCE", 60.0)
        directlyProvides(self.tidy, IReactorPluggableNameResolver)
        vars(self.tidy).update(nameResolver=Nowhere())
        [found] = await Servers(self.tidy, {}, "/", 0).find(ME)
        self.assertEqual(("mx.example.org", 993), (found.host, found.port))
        self.assertIn("by DNS", found.source)

    async def test_logIn(self) -> None:
        """
        The servers themselves, which say who we are.
        """
        here = mdboxServer()
        servers = Servers(self.reactor, {}, "/", 0)
        options = {
            "host": "localhost",
            "port": str(here.tlsPort),
            "SSL_ca_file": str(here.certificate.authority),
            "username": "somebody",
        }
        right = {**options, "password": PASSWORD}
        self.assertEqual("somebody", await servers.logIn(Side.LOCAL, right))
        with self.assertRaises(Distrusted):
            await servers.logIn(Side.LOCAL, {**options, "password": "wrong"})
        with self.assertRaises(ConfigError):
            await servers.logIn(Side.LOCAL, {**right, "port": "0"})


class NamesTests(DiscoveryCase):
    """
    Tests for L{Names}.
    """

    async def test_records(self) -> None:
        """
        Records of each kind are read.
        """
        names = self.nameServer(
            {
                "x.example.org": [
                    dns.Record_SRV(1, 2, 3, b"mx.example.org"),
                    dns.Record_TXT(b"v=1; ", b"a=\xff"),
                    dns.Record_MX(20, b"Second.example.org"),
                    dns.Record_MX(10, b"first.example.org"),
                ],
            }
        )
        name = "x.example.org"
        services = await names.services(name)
        self.assertEqual([Service(1, 2, 3, "mx.example.org")], services)
        self.assertEqual(["v=1; a=\ufffd"], await names.texts(name))
        self.assertEqual(
            ["first.example.org", "second.example.org"], await names.exchanges(name)
        )

    async def test_none(self) -> None:
        """
        Where there are none, that is no mistake.
        """
        self.assertEqual([], await self.names.services("_imaps._tcp.example.org"))
        self.assertEqual([], await self.names.texts("nothing.example.org"))

    async def test_nonsense(self) -> None:
        """
        A name that cannot be asked for, or a server that refuses, has no answer.
        """
        for name in f"{'x' * 70}.example.org", "elsewhere.example.net":
            try:
                self.assertEqual([], await self.names.texts(name))
            except Lost:
                continue


class DocumentsTests(DiscoveryCase):
    """
    Tests for L{Documents}.
    """

    async def test_large(self) -> None:
        """
        A document of a size that no document has is not read to its end.
        """
        url = "https://example.org/large"
        self.pages.found[url] = b"x" * (MOST + 1)
        with self.assertRaises(Lost):
            await self.documents.get(url)

    async def test_stranger(self) -> None:
        """
        A server whose certificate is for another name is not believed.
        """
        url = "https://autoconfig.example.net/mail"
        self.pages.found[url] = server()
        with self.assertRaises(Distrusted):
            await self.documents.get(url)


class KnockerTests(TestCase):
    """
    Tests for L{Knocker}.
    """

    def setUp(self) -> None:
        """
        A system that trusts the server.
        """
        self.knocker = Knocker(globalReactor)
        before = os.environ.get("SSL_CERT_FILE")
        self.addCleanup(self.trust, before)
        self.trust(str(mdboxServer().certificate.authority))

    def trust(self, path: str | None) -> None:
        """
        Trust these authorities.
        """
        if path is None:
            del os.environ["SSL_CERT_FILE"]
        else:
            os.environ["SSL_CERT_FILE"] = path

    async def test_answers(self) -> None:
        """
        A server is found by its greeting, with TLS or an offer of it.
        """
        here = mdboxServer()
        self.assertTrue(await self.knocker.answers("localhost", here.tlsPort, "imaps"))
        self.assertTrue(await self.knocker.answers("localhost", here.port, "imap"))

    async def test_unknown(self) -> None:
        """
        One for whose certificate nobody vouches is not.
        """
        self.trust(str(maildirServer().certificate.authority))
        port = mdboxServer().tlsPort
        self.assertFalse(await self.knocker.answers("localhost", port, "imaps"))

    async def test_misnamed(self) -> None:
        """
        Nor is one whose certificate is for another name.
        """
        other = Dovecot(Settings(names=("imap.example.org",)))
        self.addCleanup(other.close)
        self.trust(str(other.certificate.authority))
        port = other.tlsPort
        self.assertFalse(await self.knocker.answers("localhost", port, "imaps"))
