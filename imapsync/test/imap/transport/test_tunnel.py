"""
Tests for L{imapsync.imap.transport.tunnel}.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import (
    ConnectionDone,
    ProcessDone,
    ProcessExitedAlready,
    ProcessTerminated,
)
from twisted.internet.interfaces import IConsumer, IPushProducer, ITransport
from twisted.internet.protocol import ProcessProtocol, Protocol
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from imapsync.errors import ConfigError, Distrusted, Lost
from imapsync.imap.transport.tunnel import (
    CommandAddress,
    argumentsOf,
    connectTunnel,
    readPassword,
)

WHERE = "remote (tunnel)"


class Processes(Clock):
    """
    A reactor that runs no process, but lets a test play one.
    """

    def __init__(self) -> None:
        super().__init__()
        self.protocol = ProcessProtocol()
        self.arguments: list[str] = []
        self.environment: object = "?"
        self.descriptors: dict[int, str | int] = {}
        self.missing = False

    def spawnProcess(
        self,
        protocol: ProcessProtocol,
        executable: str,
        arguments: list[str],
        env: object,
        childFDs: dict[int, str | int],
    ) -> None:
        """
        Start the only process.
        """
        if self.missing:
            raise FileNotFoundError(2, "No such file or directory")
        self.protocol, self.arguments, self.environment = protocol, arguments, env
        self.descriptors = childFDs
        self.process = Process()
        protocol.makeConnection(self.process)

    def end(self, status: int = 0, signal: int | None = None) -> None:
        """
        The process ends, and its pipes are closed.
        """
        self.exit()
        ending: Exception = ProcessDone(0)
        if status or signal:
            ending = ProcessTerminated(None if signal else status, signal)
        self.protocol.processEnded(Failure(ending))

    def exit(self) -> None:
        """
        The process ends, but somebody holds its pipes open.
        """
        self.process.exited = True
        self.protocol.processExited(Failure(ProcessDone(0)))


class Process:
    """
    What a process protocol sees of its process.
    """

    exited = False
    reading = True

    def __init__(self) -> None:
        self.written = b""
        self.events: list[str] = []
        self.producers: list[object] = []
        self.pipes = {0: self, 1: self}

    def write(self, data: bytes) -> None:
        """
        To its standard input.
        """
        self.written += data

    def closeStdin(self) -> None:
        """
        End its standard input.
        """
        self.events.append("EOF")

    def connectionLost(self, reason: Failure) -> None:
        """
        Its standard input is gone, whatever it still holds.
        """
        self.events.append("dropped")

    def loseConnection(self) -> None:
        """
        Close all pipes.
        """
        self.events.append("closed")

    def signalProcess(self, name: str) -> None:
        """
        Only the living hear signals.
        """
        if self.exited:
            raise ProcessExitedAlready
        self.events.append(name)

    def pauseProducing(self) -> None:
        """
        Stop reading its output.
        """
        self.reading = False

    def resumeProducing(self) -> None:
        """
        Go on reading it.
        """
        self.reading = True

    def registerProducer(self, producer: object, streaming: bool) -> None:
        """
        To be paused while its standard input is full.
        """
        self.producers.append(producer)

    def unregisterProducer(self) -> None:
        """
        No longer.
        """
        self.producers.clear()


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


class ArgumentsTests(SynchronousTestCase):
    """
    Tests for L{argumentsOf}.
    """

    def test_words(self) -> None:
        """
        A plain command is split into words; quotes keep words together.
        """
        self.assertEqual(
            ["ssh", "-o", "User=me you", "host", "imap"],
            argumentsOf("ssh -o 'User=me you'  host imap"),
        )

    def test_shell(self) -> None:
        """
        What only a shell understands is left to one.
        """
        for command in (
            "a | b",
            "a && b",
            "a; b",
            "a >b",
            "a $HOME",
            "a `b`",
            "a ~/b",
            "a *",
            "a \\b",
            "V=1 a",
        ):
            self.assertEqual(["/bin/sh", "-c", command], argumentsOf(command))


class TunnelTests(SynchronousTestCase):
    """
    Tests for L{connectTunnel}.
    """

    def setUp(self) -> None:
        self.reactor = Processes()
        self.peer = Peer()

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
        self.assertEqual(["1", "2", "no?[1m", "try again", "bye"], lines)
        self.assertIsInstance(self.peer.reason, Lost)
        self.assertEqual(
            f"{WHERE}: the command exited with status 3; "
            "its last words: no?[1m / try again / bye",
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
        self.assertEqual(["EOF", "TERM", "KILL"], self.reactor.process.events)
        self.reactor.end(signal=9)
        self.assertIsInstance(self.peer.reason, ConnectionDone)

    def test_abort(self) -> None:
        """
        Aborting does not wait, neither for the command nor for a producer.
        """
        transport = self.open()
        transport.registerProducer(self, True)
        transport.abortConnection()
        self.assertEqual(["EOF", "TERM"], self.reactor.process.events)
        self.assertEqual([], self.reactor.process.producers)
        self.reactor.advance(1)
        self.assertEqual(["EOF", "TERM", "KILL"], self.reactor.process.events)

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
        transport.abortConnection()
        self.reactor.advance(1)
        self.assertEqual(["EOF", "dropped", "closed"], self.reactor.process.events)

    def test_signalToNobody(self) -> None:
        """
        A command that ends just before a signal is not missed.
        """
        transport = self.open()
        self.reactor.process.exited = True
        transport.abortConnection()
        self.assertEqual(["EOF"], self.reactor.process.events)


class PasswordTests(SynchronousTestCase):
    """
    Tests for L{readPassword}.
    """

    def setUp(self) -> None:
        self.reactor = Processes()

    def ask(self) -> Deferred[str]:
        """
        Run the command.
        """
        return Deferred.fromCoroutine(readPassword(self.reactor, "pass mail", WHERE))

    def say(self, data: bytes) -> None:
        """
        The command writes.
        """
        self.reactor.protocol.childDataReceived(1, data)

    def test_firstLine(self) -> None:
        """
        The first line is the password, in UTF-8, with its spaces, without its
        end, whatever pieces it comes in.
        """
        asked = self.ask()
        self.assertEqual(["EOF"], self.reactor.process.events)
        self.say(" pässwörd ".encode()[:4])
        self.say(" pässwörd ".encode()[4:] + b"\r\nuser: me\n")
        self.say(b"more\n")
        self.assertNoResult(asked)
        self.reactor.end()
        self.assertEqual(" pässwörd ", self.successResultOf(asked))
        self.assertEqual([], self.reactor.getDelayedCalls())

    def test_failure(self) -> None:
        """
        A command that fails is asked for no password; its last words are
        told, what it wrote to its output is not.
        """
        asked = self.ask()
        self.say(b"secret\n")
        self.reactor.protocol.childDataReceived(2, b"gpg: locked\n")
        self.reactor.end(2)
        error = self.failureResultOf(asked, Distrusted).value
        self.assertEqual(
            f"{WHERE}: password-command exited with status 2; "
            "its last words: gpg: locked",
            str(error),
        )

    def test_killed(self) -> None:
        """
        A command that is killed has failed.
        """
        asked = self.ask()
        self.say(b"secret\n")
        self.reactor.end(signal=15)
        self.failureResultOf(asked, Distrusted)

    def test_useless(self) -> None:
        """
        No output, something that is no text, or no command at all are errors
        in the configuration.
        """
        for said, status in ((b"", 0), (b"\n", 0), (b"\xff\n", 0), (b"", 127)):
            asked = self.ask()
            self.say(said)
            self.reactor.end(status)
            self.failureResultOf(asked, ConfigError)
        self.reactor.missing = True
        self.failureResultOf(self.ask(), ConfigError)

    def test_timeout(self) -> None:
        """
        A command that does not end is killed, and its end is not waited for.
        """
        asked = self.ask()
        self.reactor.advance(120)
        error = self.failureResultOf(asked, Distrusted).value
        self.assertIn("did not end within 120 seconds", str(error))
        self.assertEqual(["EOF", "KILL", "closed"], self.reactor.process.events)
        self.reactor.end(signal=9)
