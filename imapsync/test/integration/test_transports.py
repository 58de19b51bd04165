"""
What a protocol and a producer may expect of a transport: the same tests run on
Twisted's own TCP, and on all that we put in its place or on top of it.
"""

from __future__ import annotations

import shlex
import sys
import zlib
from collections.abc import Callable
from random import Random
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IConsumer, IPushProducer, ITransport
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import deferLater
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from imapsync.config.tls import TLSConfig
from imapsync.imap.transport.compress import Compression
from imapsync.imap.transport.tls import Trust
from imapsync.imap.transport.tunnel import connectTunnel
from imapsync.system.process import PATIENCE
from imapsync.test.fakes.lines import SelfSigned

#: Connects its standard input and output to a port.
RELAY = """
import os, socket, sys, threading
line = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
def up():
    while data := os.read(0, 65536):
        line.sendall(data)
    line.shutdown(socket.SHUT_WR)
threading.Thread(target=up, daemon=True).start()
while data := line.recv(65536):
    os.write(1, data)
"""

#: More than any system keeps for whoever does not read.
MUCH = 16 << 20
#: No compression makes it smaller.
PIECE = Random(1).randbytes(64 << 10)


class End(Protocol):
    """
    One end of a connection: what it received, and why that came to an end.
    """

    transport: Any

    def __init__(self) -> None:
        self.received = bytearray()
        self.events: list[str] = []
        self.connected_: Deferred[None] = Deferred()
        self.lost: Deferred[None] = Deferred()
        self._wanted = -1
        self._arrived: Deferred[None] = Deferred()

    def connectionMade(self) -> None:
        """
        It has begun.
        """
        self.connected_.callback(None)

    def dataReceived(self, data: bytes) -> None:
        """
        Octets.
        """
        self.received += data
        if 0 <= self._wanted <= len(self.received):
            self._wanted = -1
            self._arrived.callback(None)

    def arrived(self, octets: int) -> Deferred[None]:
        """
        Wait until so many octets have arrived.
        """
        self._wanted, self._arrived = octets, Deferred()
        self.dataReceived(b"")
        return self._arrived

    def resume(self) -> None:
        """
        Read on.
        """
        self.transport.resumeProducing()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        It has ended.
        """
        # How TLS ends depends on how far it has come.
        self.events.append("done" if reason.check(ConnectionDone) else "lost")
        self.lost.callback(None)


class Compressed(Protocol):
    """
    Lies between a transport and an end, as a connection that has agreed on
    compression does.
    """

    transport: Any

    def __init__(self, end: End) -> None:
        self._end = end

    def connectionMade(self) -> None:
        """
        They agreed on it.
        """
        end = self._end
        self._compression = Compression(reactor, self.transport, end.dataReceived)
        end.makeConnection(self._compression)
        end.resume = self._resume  # type: ignore[method-assign]

    def _resume(self) -> None:
        self._compression.resumeProducing()
        self._compression.receive()

    def dataReceived(self, data: bytes) -> None:
        """
        Compressed octets.
        """
        self._compression.receive(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        The end of both.
        """
        self._compression.close()
        self._end.connectionLost(reason)


class Server(Protocol):
    """
    A far end that compresses with zlib alone.
    """

    transport: Any

    def __init__(self, end: End) -> None:
        self._end = end
        self._inflate = zlib.decompressobj(-15)
        self._deflate = zlib.compressobj(wbits=-15)

    def connectionMade(self) -> None:
        """
        It is its end's transport as well.
        """
        self._end.makeConnection(self)

    def __getattr__(self, name: str) -> Any:
        """
        But for what it writes, as below.
        """
        return getattr(self.transport, name)

    def write(self, data: bytes) -> None:
        """
        Compress it.
        """
        self.transport.write(self._deflate.compress(data))
        self.transport.write(self._deflate.flush(zlib.Z_SYNC_FLUSH))

    def dataReceived(self, data: bytes) -> None:
        """
        Expand it.
        """
        self._end.dataReceived(self._inflate.decompress(data))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        The end of both.
        """
        self._end.connectionLost(reason)


@implementer(IPushProducer)
class Producer:
    """
    Writes for as long as it may.

    @ivar events: what it was told, in the same list as its end's.
    """

    def __init__(self, end: End) -> None:
        self._end = end
        self.events = end.events
        self.written = 0
        self.paused = False
        self.resumed: Deferred[None] = Deferred()

    def write(self) -> None:
        """
        Write until it is paused.
        """
        while not self.paused and self.written < MUCH:
            self._end.transport.write(PIECE)
            self.written += len(PIECE)

    def pauseProducing(self) -> None:
        """
        Not now.
        """
        self.paused = True

    def resumeProducing(self) -> None:
        """
        Go on.
        """
        self.paused = False
        resumed, self.resumed = self.resumed, Deferred()
        resumed.callback(None)

    def stopProducing(self) -> None:
        """
        Never again.
        """
        self.events.append("stop")


class TCPTests(TestCase):
    """
    Twisted's own TCP.
    """

    timeout = 30
    compressed = False

    async def connect(self) -> tuple[End, End]:
        """
        Our end and the other, connected with each other.
        """
        near, far = End(), End()
        layer: Callable[[End], Protocol] = Server if self.compressed else _asItIs
        listening = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(
            self.serving(_factory(layer(far)))
        )
        port = listening.getHost().port
        self.reach(port, Compressed(near) if self.compressed else near)
        await far.connected_
        await near.connected_
        await listening.stopListening()

        async def clean() -> None:
            for end in near, far:
                if not end.lost.called:
                    end.transport.abortConnection()
                await end.lost

        self.addCleanup(clean)
        return near, far

    def serving(self, factory: Any) -> Any:
        """
        How the far end listens.
        """
        return factory

    def reach(self, port: int, near: Protocol) -> None:
        """
        Connect our end.
        """
        TCP4ClientEndpoint(reactor, "127.0.0.1", port).connect(_factory(near))

    async def turn(self) -> None:
        """
        Let the reactor go round.
        """
        for _ in range(10):
            await deferLater(reactor, 0.002)

    async def filled(self) -> tuple[End, End, Producer]:
        """
        A connection whose other end does not read, and a producer that was
        paused.
        """
        near, far = await self.connect()
        far.transport.pauseProducing()
        producer = Producer(near)
        near.transport.registerProducer(producer, True)
        steady = 0
        while steady < 5:  # the system may yet take more
            self.assertLess(producer.written, MUCH)
            producer.write()
            await self.turn()
            steady = steady + 1 if producer.paused else 0
        return near, far, producer

    async def test_interfaces(self) -> None:
        """
        It is a transport, takes a producer, and is one.
        """
        near, _ = await self.connect()
        for interface in ITransport, IConsumer, IPushProducer:
            verifyObject(interface, near.transport)

    async def test_both(self) -> None:
        """
        What is written arrives, either way.
        """
        near, far = await self.connect()
        near.transport.write(b"one ")
        near.transport.writeSequence([b"two ", b"three"])
        far.transport.write(b"four")
        await far.arrived(13)
        await near.arrived(4)
        self.assertEqual((b"one two three", b"four"), (far.received, near.received))

    async def test_resumed(self) -> None:
        """
        A producer is paused while the other end takes nothing, and resumed when
        it does; all that was written arrives.
        """
        near, far, producer = await self.filled()
        resumed = producer.resumed
        far.transport.resumeProducing()
        await resumed
        await far.arrived(producer.written)
        self.assertEqual([], producer.events)
        near.transport.unregisterProducer()

    async def test_abortPaused(self) -> None:
        """
        Aborting drops what is left; a producer is stopped, once, though it is
        paused, and before the end is told.
        """
        near, _, producer = await self.filled()
        near.transport.abortConnection()
        self.assertEqual([], producer.events)
        await near.lost
        self.assertEqual(["stop", "lost"], producer.events)

    async def test_abortUnregistered(self) -> None:
        """
        One that is no longer registered is told nothing.
        """
        near, _, producer = await self.filled()
        near.transport.abortConnection()
        near.transport.unregisterProducer()
        await near.lost
        self.assertEqual(["lost"], producer.events)

    async def test_abortClosing(self) -> None:
        """
        Aborting ends what is to be closed and cannot be, for what is left; to
        abort it again changes nothing.
        """
        near, _, producer = await self.filled()
        near.transport.unregisterProducer()
        near.transport.loseConnection()
        await self.turn()
        self.assertFalse(near.lost.called)
        near.transport.abortConnection()
        near.transport.abortConnection()
        near.transport.loseConnection()
        await near.lost
        self.assertEqual(["lost"], producer.events)

    async def test_closeWithDataLeft(self) -> None:
        """
        Closing lets all arrive that was written.
        """
        near, far, producer = await self.filled()
        near.transport.unregisterProducer()
        # The system may yet take a little.
        near.transport.write(PIECE * 16 + b"the last")
        near.transport.loseConnection()
        self.assertTrue(near.transport.disconnecting)
        # Longer than anybody waits for a process that is to end.
        await deferLater(reactor, 1.2 * PATIENCE)
        self.assertFalse(near.lost.called)
        far.transport.resumeProducing()
        await far.lost
        written = producer.written + 16 * len(PIECE) + 8
        self.assertEqual(written, len(far.received))
        self.assertEqual(b"the last", far.received[-8:])
        await near.lost
        self.assertEqual(["done"], near.events)

    async def test_closeAtOnce(self) -> None:
        """
        So it does when that was written a moment ago; to close it again, or to
        write then, is no error.
        """
        near, far = await self.connect()
        near.transport.write(b"the last")
        near.transport.loseConnection()
        near.transport.loseConnection()
        await far.lost
        self.assertEqual(b"the last", far.received)
        await near.lost
        near.transport.write(b"too late")
        near.transport.writeSequence([b"too", b"late"])
        near.transport.loseConnection()
        near.transport.abortConnection()
        near.transport.pauseProducing()
        near.transport.resumeProducing()
        near.transport.unregisterProducer()
        self.assertEqual(["done"], near.events)

    async def test_deafWhenClosing(self) -> None:
        """
        Nothing is received any more after closing.
        """
        near, far = await self.connect()
        near.transport.loseConnection()
        far.transport.write(b"too late")
        await near.lost
        self.assertEqual(b"", near.received)

    async def test_cutWhilePaused(self) -> None:
        """
        A producer is stopped when the other end goes, though it is paused, and
        before that is told.
        """
        near, far, producer = await self.filled()
        far.transport.abortConnection()
        await near.lost
        self.assertEqual("stop", producer.events[0])
        self.assertEqual(2, len(producer.events))

    async def test_tooLate(self) -> None:
        """
        A producer that comes when all is over is stopped at once.
        """
        near, _ = await self.connect()
        near.transport.abortConnection()
        await near.lost
        producer = Producer(near)
        near.transport.registerProducer(producer, True)
        self.assertEqual(["lost", "stop"], producer.events)

    async def test_onlyOne(self) -> None:
        """
        There is one producer at a time.
        """
        near, _ = await self.connect()
        producer = Producer(near)
        near.transport.registerProducer(producer, True)
        self.assertRaises(RuntimeError, near.transport.registerProducer, producer, True)
        near.transport.unregisterProducer()
        near.transport.registerProducer(producer, True)
        near.transport.unregisterProducer()

    async def test_paused(self) -> None:
        """
        While it is paused, nothing is received; what the other end had sent
        before it closed is received afterwards, and only then the end.
        """
        near, far = await self.connect()
        near.transport.pauseProducing()
        far.transport.write(PIECE)
        far.transport.loseConnection()
        # Longer than anybody waits for a process that has ended.
        await deferLater(reactor, 1.2 * PATIENCE)
        self.assertEqual((b"", []), (near.received, near.events))
        near.resume()
        await near.lost
        self.assertEqual(PIECE, near.received)


class TLSTests(TCPTests):
    """
    TLS as it is configured.
    """

    def serving(self, factory: Any) -> Any:
        """
        Within TLS.
        """
        return TLSMemoryBIOFactory(SelfSigned(), False, factory)

    def reach(self, port: int, near: Protocol) -> None:
        """
        Likewise.
        """
        trust = Trust(TLSConfig(verifyPeer=False), "127.0.0.1", "local")
        factory = TLSMemoryBIOFactory(trust, True, _factory(near))
        TCP4ClientEndpoint(reactor, "127.0.0.1", port).connect(factory)


class TunnelTests(TCPTests):
    """
    A command.
    """

    def reach(self, port: int, near: Protocol) -> None:
        """
        Connect by way of another process.
        """
        command = shlex.join([sys.executable, "-c", RELAY, str(port)])
        connectTunnel(reactor, command, near, "local (tunnel)", nullStderr=True)


class ShellTests(TCPTests):
    """
    A command of which a shell makes several processes.
    """

    def reach(self, port: int, near: Protocol) -> None:
        """
        Connect by way of a pipeline.
        """
        words = shlex.join([sys.executable, "-c", RELAY, str(port)])
        command = f"{words} | cat"
        connectTunnel(reactor, command, near, "local (tunnel)", nullStderr=True)


class CompressedTests(TCPTests):
    """
    A compressed connection.
    """

    compressed = True


class CompressedTLSTests(TLSTests):
    """
    One within TLS.
    """

    compressed = True


class CompressedTunnelTests(TunnelTests):
    """
    A command that compresses.
    """

    compressed = True


def _asItIs(end: End) -> Protocol:
    return end


def _factory(protocol: Protocol) -> Any:
    factory = Factory.forProtocol(lambda: protocol)
    factory.noisy = False
    return factory
