"""
A connection to a server, from greeting to end: L{Connection}.

How the parts of the room work together::

    transport -> (TLS, DEFLATE) -> Parser -> Dispatcher -> commands, listeners
                                                |
                                            Dialogue
                                                |
    transport <- (TLS, DEFLATE) <----------- Pipeline <- commands

1.  Octets go into the parser (L{imapsync.imap.wire.parser}) as they arrive.  It
    frames lines and literals, and makes values of them; a literal is never looked
    into, and a message is passed on in pieces.
2.  The dispatcher (L{imapsync.imap.dispatch}) takes these values straight from the
    parser.  What is about the selected mailbox goes to its listener, what answers a
    command to that command, and what nobody asked for to the account's listener.
3.  Only what is about the dialogue itself (L{imapsync.imap.dialogue}) climbs higher:
    greeting and BYE, tagged responses, continuations, capabilities.  It tells the
    pipeline (L{imapsync.imap.pipeline}) which command is done, or may go on.
4.  The pipeline decides what is sent when: many commands at once, those alone that
    bear no other beside them, and literals after the server's leave.  A command
    (L{imapsync.imap.commands}) knows how it is written, which responses are its
    own, and what it results in.
5.  The connection is the dialogue over a transport: it alone knows of time and end.
    Whatever ends it, all that waits fails with the same error: see
    L{Connection.abort}.

Neither parser nor dispatcher nor pipeline does any input or output, or knows the
time: what feeds the one and writes what the other says could be a plain socket.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from typing import Any, cast

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
from imapsync.imap import greeting
from imapsync.imap.commands.base import Command
from imapsync.imap.commands.login import Authenticate
from imapsync.imap.dialogue import Dialogue
from imapsync.imap.trace import Trace
from imapsync.imap.transport import direct
from imapsync.imap.transport.compress import Compression
from imapsync.imap.wire.text import printable
from imapsync.model import Octets

#: For so many seconds, signs of life may take the place of an answer.
_LONGEST = 3600.0

#: So many octets, in either direction, are more than signs of life.
_ENOUGH = 64 * 1024

#: Of more octets at once, the system tells the server by itself that they came.
_FEW = 16 * 1024

#: So many seconds may it take a server to understand that we go.
FAREWELL = 5.0

#: Not every system has it.
_QUICKACK = getattr(socket, "TCP_QUICKACK", None)


@implementer(IHandshakeListener)
class Connection(Dialogue):
    """
    A dialogue over a transport.

    @ivar secured: fires when the TLS handshake is complete.
    @ivar lost: fires when the connection is gone.
    @ivar socket: what comes over it, if known, is acknowledged at once.
    @ivar received: octets received so far, as they went over the wire.
    @ivar meter: told how many octets were received and sent, now and then; C{None} if
        nobody counts.  It may raise what ends the connection.
    @ivar traceSecrets: whether a trace shows credentials as well.
    """

    traceSecrets = False
    meter: Callable[[int, int], None] | None = None

    def __init__(
        self,
        clock: IReactorTime,
        name: str = "server",
        timeout: float = 300,
        contextFactory: Any = None,
        trace: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__(name, contextFactory)
        self.secured: Deferred[None] = Deferred()
        self.lost: Deferred[None] = Deferred()
        self.socket: socket.socket | None = None
        self.received = self._sent = 0
        self._metered = 0, 0
        self._clock = clock
        self._patience = timeout
        self._compression: Compression | None = None
        self._error: Exception | None = None
        self._rested: IDelayedCall | None = None
        self._awaited: Command[Any] | None = None
        self._since = self._enough = 0.0
        self._trace = None if trace is None else Trace(name, trace)
        if self._trace is not None:
            self._parser.trace = self._received

    @property
    def sent(self) -> int:
        """
        Octets sent so far, as they went over the wire.
        """
        compressed = 0 if self._compression is None else self._compression.sent
        return self._sent + compressed

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
        if self.state is None:
            self._first = (self._first + data)[: greeting.KEPT]
        else:
            TimeoutMixin.resetTimeout(self)
        if len(data) < _FEW:
            self._acknowledge()
        try:
            self._count()
            if self._compression is None:
                self._parser.feed(data)
                data = b""
            if self._compression is not None:  # as of now, perhaps
                self._compression.receive(data)
        except ProtocolViolation as violation:
            text = str(violation)
            if self.state is None:
                text = greeting.misgreeted(self._first, self.options)
            self.abort(ProtocolViolation(f"{self.name}: {text}"))
        except ImapSyncError as error:
            self.abort(error)  # of whoever listens
        except Exception as bug:
            self._fail(bug)
            raise
        self._advance()

    def _advance(self) -> None:
        """
        Signs of life, such as an octet now and then, keep nobody waiting for ever.
        """
        now, octets = self._clock.seconds(), self.received + self.sent
        awaited = self._pipeline.oldest if self._pipeline.owed else None
        if awaited is not self._awaited or octets >= self._enough:
            self._awaited, self._since = awaited, now
            self._enough = octets + _ENOUGH
        elif awaited and now - self._since >= _LONGEST:
            minutes = f"{_LONGEST / 60:.0f} minutes"
            text = f"no answer to {awaited.name} for {minutes}, but signs of life"
            self.abort(Lost(f"{self.name}: {text}"))

    def _count(self) -> None:
        """
        Tell the meter what it does not know yet.
        """
        if self.meter is not None:
            received, sent = self._metered
            self._metered = self.received, self.sent
            self.meter(self.received - received, self.sent - sent)

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
        self._awaited = None  # the time until now was ours
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
        text = self.farewell or str(error)
        if not self.farewell and isinstance(error, ConnectionClosed):
            done = isinstance(error, ConnectionDone)
            text = "closed by the server" if done else "cut off"
        if not isinstance(error, ImapSyncError):
            error = self._ended(f"the connection was lost: {text}")
        if self._first and self.state is None:
            # What is no IMAP may be an explanation.
            return type(error)(f"{error}; it said: {printable(self._first.strip())}")
        return error

    def _fail(self, error: Exception) -> None:
        self._error = error
        self._parser.takeBuffered()
        if self._compression is not None:
            self._compression.close()
        if self._rested is not None:
            self._rested.cancel()
            self._rested = None
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
        if self.state is None:
            text = greeting.ungreeted(self._first, self._allowed, self.options)
            kind = Lost if greeting.mayGreet(self._first) else ProtocolViolation
            self.abort(kind(f"{self.name}: {text}"))
            return
        silence = f"{self.name}: no answer for {self._allowed:g} seconds"
        names = self._pipeline.names
        self.abort(Lost(f"{silence} to {names}" if names else silence))

    @property
    def _allowed(self) -> float:
        """
        So many seconds may a server be silent; a greeting may not take longer in
        all, whatever comes of it.
        """
        patience = self._patience
        alone = self._pipeline.alone
        if isinstance(alone, Authenticate) and alone.cancelled is not None:
            return min(patience, FAREWELL)
        return min(patience, greeting.PATIENCE) if self.state is None else patience

    @property
    def _restsFor(self) -> float:
        if self._rested is None:
            return 0.0
        return max(0.0, self._rested.getTime() - self._clock.seconds())

    def _rest(self, seconds: float) -> None:
        if self._rested is not None:
            self._rested.cancel()
        self._pipeline.rest()
        self._rested = self._clock.callLater(seconds, self._resume)

    def _resume(self) -> None:
        self._rested = None
        self._pipeline.resume()
        self._watch()

    def _watch(self) -> None:
        """
        Count silence only while the server owes us something.
        """
        shaking = self.startedTLS and not self.secured.called
        owed = self._pipeline.owed or not self.greeted.called or shaking
        idle = self.paused or not owed or self._error is not None
        period = None if idle or self._patience <= 0 else self._allowed
        TimeoutMixin.setTimeout(self, period)

    # Writing

    def write(self, data: bytes, instead: bytes = b"") -> None:
        """
        Send octets.

        @param instead: what a trace shows if they are secret.
        """
        self.show(data if self.traceSecrets else instead or data)
        self.send([data])

    def send(self, pieces: Sequence[Octets]) -> None:
        """
        Send octets that no trace shows, one piece behind the other.
        """
        if self._error is not None:
            return
        # As long as there is something to send, the server need not talk.
        TimeoutMixin.resetTimeout(self)
        if self._compression is None:
            self._sent += sum(map(len, pieces))
        direct.send(self.transport, pieces)
        try:
            self._count()
        except ImapSyncError as error:
            # Not in the midst of what is written.
            self._clock.callLater(0, self.abort, error)

    def _received(self, line: bytes) -> None:
        """
        Have a trace show what came.
        """
        if self._trace is not None:
            self._trace.received(line, () if self.traceSecrets else self.secrets)

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

    def _compress(self) -> None:
        """
        The server agreed to compress; what it sent behind its consent is
        compressed already.
        """
        self._compression = Compression(
            self._clock, self.transport, self._parser.feed, self.takeBuffered()
        )
        self.transport = cast(Any, self._compression)
