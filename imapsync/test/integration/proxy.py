"""
A proxy on the loopback: SOCKS5 (RFC 1928, 1929) and CONNECT (RFC 9110, 9.3.6) at one
port.
"""

from __future__ import annotations

import ipaddress
from base64 import b64encode
from collections.abc import Generator
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, connectProtocol
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

#: Who may use one that wants a login.
USER, PASSWORD = "gate keeper", "pröxy@secret"


class ProxyServer:
    """
    Listens, and connects whoever asks to where they want.

    @ivar asked: what it was asked for: the way, the host and the port.
    @ivar names: where names lead that are known here only.
    @ivar port: where it listens.
    """

    def __init__(
        self, reactor: Any, wantsLogin: bool = False, interface: str = "127.0.0.1"
    ) -> None:
        self.asked: list[tuple[str, str, int]] = []
        self.names: dict[str, str] = {}
        self.reactor = reactor
        self.wantsLogin = wantsLogin
        self.ends: set[_End] = set()
        factory = Factory.forProtocol(lambda: _Client(self))
        self._listening = reactor.listenTCP(0, factory, interface=interface)
        self.port: int = self._listening.getHost().port

    async def close(self) -> None:
        """
        Make an end.
        """
        await self._listening.stopListening()
        for end in list(self.ends):
            end.transport.abortConnection()
        for end in list(self.ends):
            await end.gone


class _End(Protocol):
    """
    One end of what it connects.
    """

    transport: Any

    def __init__(self, proxy: ProxyServer) -> None:
        self.proxy = proxy
        self.other: _End | None = None
        self.gone: Deferred[None] = Deferred()

    def connectionMade(self) -> None:
        """
        It is there.
        """
        self.proxy.ends.add(self)

    def dataReceived(self, data: bytes) -> None:
        """
        Pass it on.
        """
        if self.other is not None:
            self.other.transport.write(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        So is the other one lost.
        """
        if self.other is not None:
            self.other.transport.loseConnection()
        self.proxy.ends.discard(self)
        self.gone.callback(None)


class _Client(_End):
    """
    Whoever asks.
    """

    def __init__(self, proxy: ProxyServer) -> None:
        super().__init__(proxy)
        self._received = b""
        self._talk = self._hear()
        self._wanted = next(self._talk)

    def dataReceived(self, data: bytes) -> None:
        """
        Hear what it asks, then pass on.
        """
        if self.other is not None:
            super().dataReceived(data)
            return
        self._received += data
        while len(self._received) >= self._wanted:
            octets = self._received[: self._wanted]
            self._received = self._received[self._wanted :]
            try:
                self._wanted = self._talk.send(octets)
            except StopIteration:
                self.transport.loseConnection()
                return

    def _hear(self) -> Generator[int, bytes, None]:
        first = yield 1
        yield from self._socks() if first == b"\5" else self._http(first)

    def _socks(self) -> Generator[int, bytes, None]:
        offered = yield (yield 1)[0]
        wanted = 2 if self.proxy.wantsLogin else 0
        if wanted not in offered:
            self.transport.write(b"\5\xff")
            return
        self.transport.write(bytes((5, wanted)))
        if wanted:
            user = yield (yield 2)[1]
            password = yield (yield 1)[0]
            if (user, password) != (USER.encode(), PASSWORD.encode()):
                self.transport.write(b"\1\1")
                return
            self.transport.write(b"\1\0")
        kind = (yield 4)[3]
        if kind == 3:
            host = (yield (yield 1)[0]).decode()
        else:
            host = str(ipaddress.ip_address((yield {1: 4, 4: 16}[kind])))
        port = int.from_bytes((yield 2), "big")
        good, bad = (bytes((5, code, 0, 1, *bytes(6))) for code in (0, 5))
        yield from self._reach("socks", host, port, good, bad)

    def _http(self, head: bytes) -> Generator[int, bytes, None]:
        while b"\r\n\r\n" not in head:
            head += yield 1
        lines = head.split(b"\r\n")
        basic = b64encode(f"{USER}:{PASSWORD}".encode())
        if (
            self.proxy.wantsLogin
            and b"Proxy-Authorization: Basic " + basic not in lines
        ):
            self.transport.write(
                b"HTTP/1.1 407 Who are you?\r\nProxy-Authenticate: Basic\r\n\r\n"
            )
            return
        host, _, port = lines[0].split()[1].decode().rpartition(":")
        good = b"HTTP/1.1 200 You are welcome\r\nVia: 1.1 me\r\n\r\n"
        bad = b"HTTP/1.1 502 Nobody there\r\n\r\n"
        yield from self._reach("http", host.strip("[]"), int(port), good, bad)

    def _reach(
        self, way: str, host: str, port: int, good: bytes, bad: bytes
    ) -> Generator[int, bytes, None]:
        """
        Connect it, and say so.
        """
        self.proxy.asked.append((way, host, port))
        there = self.proxy.names.get(host, host)
        endpoint = HostnameEndpoint(self.proxy.reactor, there, port)
        connecting = connectProtocol(endpoint, _Server(self.proxy, self, good))
        connecting.addErrback(self._unable, bad)
        yield 1 << 30  # it has to wait for that

    def _unable(self, _: Failure, bad: bytes) -> None:
        self.transport.write(bad)
        self.transport.loseConnection()


class _Server(_End):
    """
    Whom it wants.
    """

    def __init__(self, proxy: ProxyServer, client: _Client, welcome: bytes) -> None:
        super().__init__(proxy)
        self.other = self._client = client
        self._welcome = welcome

    def connectionMade(self) -> None:
        """
        Now both can talk.
        """
        super().connectionMade()
        self._client.other = self
        self._client.transport.write(self._welcome)
