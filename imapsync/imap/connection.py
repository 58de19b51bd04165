"""
A connection to a server, from greeting to end: L{Connection}.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any, TypeVar, cast

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionClosed, ConnectionDone
from twisted.internet.interfaces import IDelayedCall, IHandshakeListener, IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.mail.imap4 import IMAP4Client
from twisted.protocols.basic import LineReceiver
from twisted.protocols.policies import TimeoutMixin
from twisted.python.failure import Failure
from zope.interface import implementer

from imapsync.errors import ImapSyncError, Lost, ProtocolViolation
from imapsync.imap.commands.base import Command, Plain
from imapsync.imap.dispatch import Delivery
from imapsync.imap.pipeline import Pipeline
from imapsync.imap.stock import Stock, StockClient, stockLine
from imapsync.imap.trace import Trace
from imapsync.imap.transport.compress import Compression
from imapsync.imap.wire.parser import Parser
from imapsync.imap.wire.responses import (
    Capabilities,
    Condition,
    Continuation,
    Response,
    Row,
    bounded,
    printable,
)
from imapsync.imap.wire.tokens import Part
from imapsync.log import Log

T = TypeVar("T")

#: Not every system has it.
_QUICKACK = getattr(socket, "TCP_QUICKACK", None)

#: RFC 7888, 5: the longest non-synchronising literal under LITERAL-.
_SMALL_LITERAL = 4096


@implementer(IHandshakeListener)
class Connection(StockClient):
    """
    Reads and writes for many commands at once.

    While a stock command is in flight, and while nothing is in flight and no
    mailbox is listened to, untagged responses are C{IMAP4Client}'s to read.

    @ivar greeted: fires with whether the server authenticated us before we
        asked (PREAUTH); fails if it turned us away.
    @ivar secured: fires when the TLS handshake is complete.
    @ivar lost: fires when the connection is gone.
    @ivar socket: what comes over it, if known, is acknowledged at once.
    @ivar received: octets received so far, as they went over the wire.
    @ivar traceSecrets: whether a trace shows credentials as well.
    """

    traceSecrets = False

    log = Log()

    def __init__(
        self,
        clock: IReactorTime,
        name: str = "server",
        timeout: float = 300,
        contextFactory: Any = None,
        trace: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__(name, contextFactory)
        self.greeted: Deferred[bool] = Deferred()
        self.secured: Deferred[None] = Deferred()
        self.lost: Deferred[None] = Deferred()
        self.socket: socket.socket | None = None
        self.received = self._sent = 0
        self._clock = clock
        self._patience = timeout
        self._pipeline = Pipeline(self)
        self._delivery = Delivery()
        self._parser = Parser(self)
        self._compression: Compression | None = None
        self._error: Exception | None = None
        self._farewell = ""
        self._trace = None if trace is None else Trace(name, trace)
        if self._trace is not None:
            self._parser.trace = self._trace.received

    @property
    def sent(self) -> int:
        """
        Octets sent so far, as they went over the wire.
        """
        compressed = 0 if self._compression is None else self._compression.sent
        return self._sent + compressed

    @property
    def selecting(self) -> bool:
        """
        Whether a mailbox is selected.
        """
        return self._delivery.selected is not None

    # From greeting to end

    def connectionMade(self) -> None:
        """
        Await the greeting.
        """
        self._watch()

    def handshakeCompleted(self) -> None:
        """
        TLS is up: see L{IHandshakeListener}.
        """
        if not self.secured.called:
            self.secured.callback(None)
        self._watch()

    def dataReceived(self, data: bytes) -> None:
        """
        Read responses.
        """
        if self._error is not None:
            return
        self.received += len(data)
        TimeoutMixin.resetTimeout(self)
        self._acknowledge()
        try:
            if self._compression is None:
                self._parser.feed(data)
                data = b""
            if self._compression is not None:  # as of now, perhaps
                self._compression.receive(data)
        except ProtocolViolation as violation:
            self.abort(ProtocolViolation(f"{self.name}: {violation}"))
        except ImapSyncError as error:
            self.abort(error)  # of whoever listens
        except Exception as bug:
            self._fail(bug)
            raise

    def _acknowledge(self) -> None:
        """
        Have the system acknowledge what came.

        A server that sends in small pieces (Cyrus) holds back the end of its
        answer until then (RFC 1122, 4.2.3.4), and the system takes its time
        (4.2.3.2): 40 ms for each answer.  It has to be asked each time.
        """
        if self.socket is not None and _QUICKACK is not None:
            self.socket.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)

    def lineReceived(self, line: bytes) -> None:
        """
        Read one line, as C{LineReceiver} would hand it on.
        """
        self.dataReceived(line + b"\r\n")

    def pauseProducing(self) -> None:
        """
        Read nothing for now; nor can the server be late meanwhile.
        """
        LineReceiver.pauseProducing(self)
        self._watch()

    def resumeProducing(self) -> None:
        """
        Read on.
        """
        LineReceiver.resumeProducing(self)
        self._watch()

    def abort(self, error: ImapSyncError) -> None:
        """
        Drop the connection; whatever waits on it fails with C{error}.
        """
        if self._error is None:
            self._fail(error)
            self.transport.abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        The connection is gone.
        """
        if self._error is None:
            self._fail(self._end(reason.value))
        IMAP4Client.connectionLost(self, reason)
        if not self.lost.called:
            self.lost.callback(None)

    def _end(self, error: BaseException | None) -> ImapSyncError:
        """
        Why the connection is gone, in the user's words.
        """
        text = self._farewell or str(error)
        if not self._farewell and isinstance(error, ConnectionClosed):
            done = isinstance(error, ConnectionDone)
            text = "closed by the server" if done else "cut off"
        if not isinstance(error, ImapSyncError):
            error = Lost(f"{self.name}: the connection was lost: {text}")
        rest = b"" if self.state else self._parser.takeBuffered().strip()
        if rest:
            # What is no IMAP may be an explanation.
            return type(error)(f"{error}; it said: {printable(rest)}")
        return error

    def _fail(self, error: Exception) -> None:
        self._error = error
        self._parser.takeBuffered()
        if self._compression is not None:
            self._compression.close()
        self._watch()
        for waiting in (self.greeted, self.secured):
            if not waiting.called:
                waiting.errback(error)
        self._pipeline.fail(error)

    # Time-outs

    def callLater(self, period: float, func: Callable[[], None]) -> IDelayedCall:
        """
        The seam of C{TimeoutMixin}.
        """
        return self._clock.callLater(period, func)

    def timeoutConnection(self) -> None:
        """
        The server has been silent for too long while it owed an answer.
        """
        silence = f"{self.name}: no answer for {self._patience:g} seconds"
        names = self._pipeline.names
        self.abort(Lost(f"{silence} to {names}" if names else silence))

    def _watch(self) -> None:
        """
        Count silence only while the server owes us something.
        """
        shaking = self.startedTLS and not self.secured.called
        owed = self._pipeline.owed or not self.greeted.called or shaking
        idle = self.paused or not owed or self._error is not None
        period = None if idle or self._patience <= 0 else self._patience
        TimeoutMixin.setTimeout(self, period)

    # Writing: for L{imapsync.imap.pipeline}, and as an L{append.Outlet}

    def perform(self, command: Command[T]) -> Deferred[T]:
        """
        Send a command as soon as those before it allow.
        """
        self._pipeline.submit(command)
        self._watch()
        return command.done

    def started(self, command: Command[Any]) -> None:
        """
        C{command} is in flight now.
        """
        self._delivery.started(command)
        if isinstance(command, Stock):
            self._begin(command)
        self._attend()

    def literalMarker(self, size: int) -> tuple[bytes, bool]:
        """
        What announces a literal of C{size} octets, and whether the server's
        leave must be awaited behind it (RFC 7888).
        """
        if self.asksLeave(size):
            return b"{%d}\r\n" % size, True
        return b"{%d+}\r\n" % size, False

    def asksLeave(self, size: int) -> bool:
        """
        Whether the server's leave must be awaited for a literal of C{size} octets.
        """
        return "LITERAL+" not in self.capabilities and (
            "LITERAL-" not in self.capabilities or size > _SMALL_LITERAL
        )

    def write(self, data: bytes, instead: bytes = b"") -> None:
        """
        Send octets.

        @param instead: what a trace shows if they are secret.
        """
        self.show(data if self.traceSecrets else instead or data)
        self.send(data)

    def send(self, data: bytes) -> None:
        """
        Send octets that no trace shows.
        """
        if self._error is not None:
            return
        # As long as there is something to send, the server need not talk.
        TimeoutMixin.resetTimeout(self)
        if self._compression is None:
            self._sent += len(data)
        self.transport.write(data)

    def show(self, data: bytes) -> None:
        """
        Have a trace show what is sent.
        """
        if self._trace is not None:
            self._trace.sent(data)

    def sendLine(self, line: bytes) -> None:
        """
        Send a line of one of C{IMAP4Client}'s own commands.
        """
        stock = self._pipeline.alone
        secret = stock is None or stock.secret
        # It breaks long credentials into lines.
        data = line.replace(b"\n", b"") + b"\r\n"
        self.write(data, b"(not shown)" if secret else b"")

    def written(self, command: Command[Any]) -> None:
        """
        C{command} is sent in full; others may follow.
        """
        self._pipeline.written(command)

    def takeBuffered(self) -> bytes:
        """
        What the server sent behind the response that is being handled.
        """
        return self._parser.takeBuffered()

    def _compress(self) -> None:
        """
        The server agreed to compress; what it sent behind its consent is
        compressed already.
        """
        self._compression = Compression(
            self._clock, self.transport, self._parser.feed, self.takeBuffered()
        )
        self.transport = cast(Any, self._compression)

    # Reading: L{imapsync.imap.wire.parser.Receiver}

    def _attend(self) -> None:
        """
        Something is in flight, or no longer.
        """
        self._watch()
        ours = self._pipeline or self._delivery.listening
        self._parser.whole = isinstance(self._pipeline.alone, Stock) or not ours

    def rowsReceived(self, rows: list[Row]) -> None:
        """
        FETCH rows.
        """
        self._delivery.rowsReceived(rows)

    def literalBegan(self, row: Row, size: int) -> bool:
        """
        A body.
        """
        return self._delivery.literalBegan(row, size)

    def literalReceived(self, piece: bytes) -> None:
        """
        Octets of it.
        """
        self._delivery.literalReceived(piece)

    def messagesReceived(self, messages: list[tuple[Row, bytes]]) -> None:
        """
        Bodies that came whole.
        """
        self._delivery.messagesReceived(messages)

    def responseReceived(self, response: Response, raw: list[Part]) -> None:
        """
        One response.
        """
        if isinstance(response, Condition):
            self._conditionReceived(response)
        elif isinstance(response, Continuation):
            self._continuationReceived(response, raw)
        elif self._parser.whole:
            self._read(raw)
        elif isinstance(response, Capabilities):
            self._know(response.words)
        else:
            self._delivery.responseReceived(response)

    def _continuationReceived(self, response: Continuation, raw: list[Part]) -> None:
        if isinstance(self._pipeline.alone, Stock):
            self._read(raw)
        else:
            self._pipeline.proceed(response.text)
            self._watch()

    def _conditionReceived(self, condition: Condition) -> None:
        if condition.code == "CAPABILITY":
            self._know(condition.arguments.split())
        if condition.tag != "*":
            self._taggedReceived(condition)
        elif self.state is None:
            self._greetingReceived(condition)
        elif not self.greeted.called and condition.status == "PREAUTH":
            self.state = "auth"
        else:
            self._untaggedReceived(condition)

    def _greetingReceived(self, condition: Condition) -> None:
        if condition.status not in ("OK", "PREAUTH"):
            self.abort(Lost(f"{self.name}: turned us away: {condition.text}"))
            return
        self.state = "auth" if condition.status == "PREAUTH" else "unauth"
        self._attend()
        if condition.code == "ALERT":
            # Courier says this before its true greeting: see what comes.
            self._alert(condition)
            self.perform(Plain("CAPABILITY")).addBoth(self._greet)
        else:
            self._greet(condition)

    def _greet(self, _: object) -> None:
        if not self.greeted.called:
            self.serverGreeting(self._capCache)
            self.greeted.callback(self.state == "auth")
            self._watch()

    def _untaggedReceived(self, condition: Condition) -> None:
        if condition.status == "BYE":
            self._farewell = condition.text
        elif condition.code == "ALERT":
            self._alert(condition)
        elif condition.code == "CLOSED":
            self._delivery.closed()
        if self._parser.whole:
            self._read([stockLine(condition)])
        else:
            self._delivery.responseReceived(condition)

    def _alert(self, condition: Condition) -> None:
        self.log.warn("{name}: {text}", name=self.name, text=condition.text)

    def _taggedReceived(self, condition: Condition) -> None:
        if condition.status not in ("OK", "NO", "BAD"):
            raise ProtocolViolation(f"an answer that is {condition.status}")
        command = self._pipeline.flight(condition.tag)
        if condition.code == "HIGHESTMODSEQ":
            self._delivery.reached(bounded(condition.arguments))
        self._delivery.finished(command, condition.status == "OK")
        if isinstance(command, Stock):
            self._stockFinished(command, condition)
            if command.done.called:
                self._pipeline.forget(command)
        else:
            self._pipeline.finish(condition)
        self._attend()
