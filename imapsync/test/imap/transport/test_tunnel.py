"""
Tests for L{imapsync.imap.transport.tunnel}.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.error import ConnectionAborted, ConnectionDone
from twisted.internet.interfaces import IConsumer, IPushProducer, ITransport
from twisted.internet.protocol import Protocol
from twisted.logger import capturedLogs
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from imapsync.errors import ConfigError, Lost
from imapsync.imap.transport.tunnel import CommandAddress, connectTunnel
from imapsync.test.fakes.processes import Processes

WHERE = "remote (tunnel)"


class Peer(Protocol):
    """
    Keeps what it is told.
    """

    reason: Any = None

    def __init__(self) -> None:
        self.received = b""

    def dataReceived(self, data: bytes) -> None:
        """
        Keep it.
        """
        self.received += data

    def connectionLost(self, reason: Failure | None = None) -> None:
        """
        Keep the reason.
        """
        if self.reason is not None:
            raise RuntimeError("lost twice")
        self.reason = reason.value if reason else None


class TunnelTests(SynchronousTestCase):
    """
    Tests for L{connectTunnel}.
    """

    def setUp(self) -> None:
        self.reactor = Processes()
        self.peer = Peer()
        self.stopped = 0

    def open(self, nullStderr: bool = False) -> Any:
        """
        Connect the peer.

        @return: its transport.
        """
        connectTunnel(self.reactor, "imapd -x", self.peer, WHERE, nullStderr)
        return self.peer.transport

    def test_command(self) -> None:
        """
        The command gets pipes and our environment.
        """
        self.open()
        self.assertEqual(["imapd", "-x"], self.reactor.arguments)
        self.assertIsNone(self.reactor.environment)
        self.assertEqual({0: "w", 1: "r", 2: "r"}, self.reactor.descriptors)

    def test_nullStderr(self) -> None:
        """
        Standard error can be dropped.
        """
        self.open(nullStderr=True)
        self.assertIsInstance(self.reactor.descriptors[2], int)

    def test_notFound(self) -> None:
        """
        A command that does not exist, or with an open quote, is an error in
        the configuration.
        """
        self.reactor.missing = True
        error = self.assertRaises(ConfigError, self.open)
        self.assertEqual(
            f"{WHERE}: command cannot be run: imapd: No such file or directory",
            str(error),
        )
        self.assertRaises(
            ConfigError, connectTunnel, self.reactor, "a 'b", self.peer, WHERE, False
        )

    def test_transport(self) -> None:
        """
        The process is a transport in all that a client needs of one.
        """
        transport = self.open()
        for interface in (ITransport, IConsumer, IPushProducer):
            verifyObject(interface, transport)
        transport.write(b"a1 ")
        transport.writeSequence([b"NO", b"OP\r\n"])
        self.reactor.protocol.childDataReceived(1, b"* PREAUTH hello\r\n")
        self.assertEqual(b"a1 NOOP\r\n", self.reactor.process.written)
        self.assertEqual(b"* PREAUTH hello\r\n", self.peer.received)
        self.assertEqual(CommandAddress("imapd -x"), transport.getPeer())
        self.assertEqual(CommandAddress("imapd -x"), transport.getHost())
        self.assertFalse(transport.disconnecting)

    def test_backPressure(self) -> None:
        """
        Each direction can be held up.
        """
        transport, process = self.open(), self.reactor.process
        transport.registerProducer(self, True)
        self.assertEqual([self], process.producers)
        transport.unregisterProducer()
        self.assertEqual([], process.producers)
        transport.pauseProducing()
        self.assertFalse(process.reading)
        transport.resumeProducing()
        self.assertTrue(process.reading)

    def test_exit(self) -> None:
        """
        A command that ends by itself is a lost connection, with its exit
        status and its last words.
        """
        self.open()
        with capturedLogs() as events:
            self.reactor.protocol.childDataReceived(2, b"1\n2\nno\x1b[1m \n\ntry ag")
            self.reactor.protocol.childDataReceived(2, b"ain\nbye")
            self.reactor.end(3)
        lines = [event["line"] for event in events]
        self.assertEqual(["1", "2", r"no\u001b[1m", "try again", "bye"], lines)
        self.assertIsInstance(self.peer.reason, Lost)
        self.assertEqual(
            f"{WHERE}: the command exited with status 3; "
            r"its last words: no\u001b[1m / try again / bye",
            str(self.peer.reason),
        )
        self.assertEqual([], self.reactor.getDelayedCalls())

    def test_signal(self) -> None:
        """
        A command that is killed is a lost connection, with the signal.
        """
        self.open()
        self.reactor.end(signal=9)
        self.assertEqual(
            f"{WHERE}: the command was ended by signal 9 (Killed)",
            str(self.peer.reason),
        )

    def test_success(self) -> None:
        """
        A command that ends well, but unasked, is a lost connection too.
        """
        self.open()
        self.reactor.end()
        self.assertIsInstance(self.peer.reason, Lost)

    def test_shellFoundNothing(self) -> None:
        """
        A shell's word that there is no such command is not worth a retry.
        """
        self.open()
        self.reactor.end(127)
        self.assertIsInstance(self.peer.reason, ConfigError)

    def test_status127Later(self) -> None:
        """
        Once the command has spoken IMAP, it was found.
        """
        self.open()
        self.reactor.protocol.childDataReceived(1, b"* PREAUTH hello\r\n")
        self.reactor.end(127)
        self.assertIsInstance(self.peer.reason, Lost)

    def test_flood(self) -> None:
        """
        Standard error without any end of line is cut, not collected.
        """
        self.open()
        with capturedLogs() as events:
            for _ in range(100):
                self.reactor.protocol.childDataReceived(2, b"x" * 10000)
        self.assertEqual({400}, {len(event["line"]) for event in events})
        self.reactor.end(1)
        self.assertLess(len(str(self.peer.reason)), 2000)

    def test_close(self) -> None:
        """
        Closing ends the command's input, and then the connection with it;
        what it still says is not heard.
        """
        transport = self.open()
        transport.loseConnection()
        self.assertTrue(transport.disconnecting)
        self.reactor.protocol.childDataReceived(1, b"* BYE\r\n")
        transport.write(b"late")
        self.assertEqual(["EOF"], self.reactor.process.events)
        self.assertIsNone(self.peer.reason)
        self.reactor.end(1)
        self.assertIsInstance(self.peer.reason, ConnectionDone)
        self.assertEqual(b"", self.peer.received + self.reactor.process.written)
        self.assertEqual([], self.reactor.getDelayedCalls())

    def test_stubborn(self) -> None:
        """
        A command that does not end with its input is sent TERM, then KILL.
        """
        transport = self.open()
        transport.loseConnection()
        transport.stopProducing()
        self.reactor.advance(1)
        self.reactor.advance(1)
        events = self.reactor.process.events
        self.assertEqual(["EOF", "TERM", "KILL", "closed"], events)
        self.reactor.end(signal=9)
        self.assertIsInstance(self.peer.reason, ConnectionDone)
        self.assertEqual([], self.reactor.getDelayedCalls())

    def test_slow(self) -> None:
        """
        One that has not yet taken all that was written may take its time.
        """
        transport = self.open()
        self.reactor.process.stuck = True
        transport.loseConnection()
        self.reactor.advance(100)
        self.assertEqual(["EOF"], self.reactor.process.events)
        self.reactor.process.endInput()
        self.reactor.advance(1)
        self.assertEqual(["EOF", "TERM"], self.reactor.process.events)

    def stopProducing(self) -> None:
        """
        This is a producer, too.
        """
        self.stopped += 1

    def test_abort(self) -> None:
        """
        Aborting does not wait, neither for the command nor for a producer, which
        is stopped, be it paused or not.
        """
        transport = self.open()
        self.reactor.process.stuck = True
        transport.registerProducer(self, True)
        transport.abortConnection()
        self.assertEqual(["EOF", "TERM"], self.reactor.process.events)
        self.assertEqual(0, self.stopped)
        self.reactor.advance(0)
        self.assertEqual((1, []), (self.stopped, self.reactor.process.producers))
        self.reactor.advance(1)
        events = self.reactor.process.events
        self.assertEqual(["EOF", "TERM", "KILL", "dropped", "closed"], events)
        self.reactor.end(signal=9)
        self.assertEqual(1, self.stopped)
        self.assertIsInstance(self.peer.reason, ConnectionAborted)
        self.assertEqual([], self.reactor.getDelayedCalls())

    def test_immortal(self) -> None:
        """
        What cannot be ended, or of which somebody unknown has the pipes, is not
        waited for; its end means nothing any more.
        """
        for exits in (False, True):
            self.setUp()
            transport = self.open()
            self.reactor.process.stuck = True
            transport.registerProducer(self, True)
            if exits:
                self.reactor.exit()
            transport.abortConnection()
            for _ in range(2):
                self.reactor.advance(1)
            self.assertIsInstance(self.peer.reason, ConnectionAborted)
            self.assertEqual(1, self.stopped)
            transport.registerProducer(self, True)
            self.assertEqual(2, self.stopped)
            self.assertEqual([], self.reactor.getDelayedCalls())
            self.reactor.end(signal=9)

    def test_inputClosed(self) -> None:
        """
        A command that closes its input is no connection any more: it may say why,
        and is then brought to an end.
        """
        transport = self.open()
        transport.registerProducer(self, True)
        self.reactor.process.endInput()
        self.assertEqual(1, self.stopped)
        transport.registerProducer(self, True)
        self.assertEqual(2, self.stopped)
        self.reactor.protocol.childDataReceived(1, b"* BYE\r\n")
        self.assertEqual(b"* BYE\r\n", self.peer.received)
        self.reactor.advance(1)
        self.assertEqual(["TERM"], self.reactor.process.events)
        self.reactor.end(signal=15)
        self.assertEqual(2, self.stopped)
        self.assertIsInstance(self.peer.reason, Lost)

    def test_closeWhilePaused(self) -> None:
        """
        Nobody waits for more to be read once it is closed.
        """
        transport = self.open()
        transport.pauseProducing()
        self.reactor.exit()
        transport.loseConnection()
        self.assertTrue(self.reactor.process.reading)
        self.reactor.advance(1)
        self.assertEqual(["EOF", "closed"], self.reactor.process.events)

    def test_exitWhilePaused(self) -> None:
        """
        What it wrote before it ended can be read for as long as that takes.
        """
        transport = self.open()
        transport.pauseProducing()
        self.reactor.exit()
        self.reactor.advance(100)
        self.assertEqual([], self.reactor.process.events)
        transport.resumeProducing()
        transport.pauseProducing()
        self.reactor.advance(100)
        self.assertEqual([], self.reactor.process.events)
        transport.resumeProducing()
        self.reactor.advance(1)
        self.assertEqual(["dropped", "closed"], self.reactor.process.events)

    def test_abortWhileClosing(self) -> None:
        """
        Aborting hastens a closing that is under way.
        """
        transport = self.open()
        transport.loseConnection()
        transport.abortConnection()
        self.assertEqual(["EOF", "TERM"], self.reactor.process.events)

    def test_outputClosed(self) -> None:
        """
        A command that closes its output has said its last word: it is
        brought to an end.
        """
        self.open()
        self.reactor.protocol.childConnectionLost(1)
        self.reactor.advance(1)
        self.assertEqual(["EOF", "TERM"], self.reactor.process.events)
        self.reactor.end(signal=15)
        self.assertIsInstance(self.peer.reason, Lost)

    def test_heirs(self) -> None:
        """
        Pipes that the command's own children hold open are not waited for
        for long; no signal is sent to who is gone.
        """
        transport = self.open()
        transport.loseConnection()
        self.reactor.exit()
        self.assertEqual(["EOF"], self.reactor.process.events)
        self.reactor.advance(1)
        self.assertEqual(["EOF", "closed"], self.reactor.process.events)
        transport.abortConnection()
        self.assertNotIn("TERM", self.reactor.process.events)

    def test_signalToNobody(self) -> None:
        """
        A command that ends just before a signal is not missed.
        """
        transport = self.open()
        self.reactor.process.exited = True
        transport.abortConnection()
        self.assertEqual(["EOF"], self.reactor.process.events)
