"""
Twisted's C{IMAP4Client} on our wire: what keeps its own commands working.

They are written and answered as it does it, each alone in flight; only what
it would stumble over is put in words that it understands.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import ITLSTransport
from twisted.mail.imap4 import Command as StockCommand
from twisted.mail.imap4 import IMAP4Client

from imapsync.errors import Distrusted, ImapSyncError, ProtocolViolation
from imapsync.imap.commands.base import Command
from imapsync.imap.features import QRESYNC, Features
from imapsync.imap.hosts import UNKNOWN
from imapsync.imap.wire.responses import Condition
from imapsync.imap.wire.tokens import Nil, Node, Part, nested, tokens

#: Without these, any text can be parsed.
_NESTING = str.maketrans("", "", '()[]{}"\\')
#: Capabilities as C{IMAP4Client} keeps them, once it has them.
StockCapabilities = dict[bytes, list[bytes | None] | None] | None

_LIST = re.compile(rb"\* (LIST|LSUB) ", re.IGNORECASE)
_CAPABILITY = re.compile(rb"\* CAPABILITY ", re.IGNORECASE)
#: What C{IMAP4Client} tells its subclasses though nobody asked.
_UNASKED = re.compile(rb"\* (?:\d+ |\[READ-)", re.IGNORECASE)


class Stock(Command[Any]):
    """
    One of C{IMAP4Client}'s own commands.
    """

    alone = True

    def __init__(self, command: Any) -> None:
        words = () if command.args is None else (command.args,)
        super().__init__(command.command.decode("ascii"), *words)
        self.secret = command.command in (b"LOGIN", b"AUTHENTICATE")
        self.command = command

    @property
    def repeatable(self) -> bool:
        """
        C{IMAP4Client} hears each answer at once.
        """
        return False

    def fail(self, error: Exception) -> None:
        """
        C{IMAP4Client} need not fail it as well.
        """
        self.command.defer = None
        super().fail(error)


class StockClient(ABC, IMAP4Client):
    """
    An C{IMAP4Client} that leaves reading, writing and the order of commands
    to L{imapsync.imap.connection.Connection}.

    @ivar name: what messages call the server.
    @ivar features: what the server can do; nothing while that is unknown, as it is
        again after STARTTLS and after a login.
    @ivar identity: what it says of itself (RFC 2971), as far as it does.
    @ivar host: of which kind it is.
    @ivar way: how changes are found out there, see L{imapsync.imap.features}.
    """

    transport: ITLSTransport
    identity: Mapping[str, str] = MappingProxyType({})
    host = UNKNOWN
    way = QRESYNC

    def __init__(self, name: str, contextFactory: Any) -> None:
        IMAP4Client.__init__(self, contextFactory)
        self.name = name
        self.features = Features()

    @property
    def capabilities(self) -> frozenset[str]:
        """
        What the server has said that it can do, in upper case.
        """
        return self.features.told

    @property
    def tellsGuids(self) -> bool:
        """
        Whether it can be asked for X-GUID, as Dovecot; others may take it amiss.
        """
        return self.host.tellsGuids or self.identity.get("name", "") == "Dovecot"

    # What the subclass provides

    @abstractmethod
    def perform(self, command: Command[Any]) -> Deferred[Any]:
        """
        Send a command as soon as those before it allow.
        """

    @abstractmethod
    def abort(self, error: ImapSyncError) -> None:
        """
        Drop the connection; whatever waits on it fails with C{error}.
        """

    @abstractmethod
    def takeBuffered(self) -> bytes:
        """
        What the server sent behind the response that is being handled.
        """

    # What a subclass may want to hear, as from C{IMAP4Client}

    def serverGreeting(self, caps: StockCapabilities) -> None:
        """
        The server greeted us.
        """

    # Commands

    def sendCommand(self, cmd: StockCommand) -> Deferred[Any]:
        """
        Send one of C{IMAP4Client}'s own commands.
        """
        try:
            command = Stock(cmd)
        except ValueError as error:  # a line break in a name or flag
            return fail(error)
        return self.perform(command)

    def _begin(self, stock: Stock) -> None:
        """
        C{stock} is in flight: have C{IMAP4Client} await its responses.
        """
        self.waiting: bytes | None = stock.tag.encode("ascii")
        self.tags = {self.waiting: stock.command}
        stock.command.defer = stock.done

    def _flushQueue(self) -> None:
        """
        C{IMAP4Client}'s own queue is not used.
        """

    def _stockFinished(self, stock: Stock, condition: Condition) -> None:
        """
        Its tagged response came.
        """
        if stock.secret and condition.status == "OK" and condition.code != "CAPABILITY":
            self.forgetCapabilities()
        self._read([stockLine(condition)])

    def _read(self, raw: list[Part]) -> None:
        """
        Have C{IMAP4Client} read a response.
        """
        first = raw[0] or b""
        if _CAPABILITY.match(first):
            self._know(first.split()[2:])
        if self.waiting is None and not _UNASKED.match(first):
            return
        if _LIST.match(first):
            raw = plainList(nested(tokens(raw)))
        pieces = []
        for index, part in enumerate(raw):
            # It wants a literal behind its marker and a line end.
            pieces.append(b"\r\n" + (part or b"") if index % 2 else part or b"")
        tag, _, rest = b"".join(pieces).partition(b" ")
        IMAP4Client.dispatchCommand(self, tag, rest.lstrip(b" "))

    # Capabilities

    def _know(self, words: list[bytes]) -> None:
        """
        The server told what it can do.
        """
        self.features = Features(words).without(self.host.distrusted)
        self._capCache: StockCapabilities = stockCache(words)

    def forgetCapabilities(self) -> None:
        """
        They may have changed: after STARTTLS and after a login (RFC 9051, 6.1.1).
        """
        self.features = Features()
        self._capCache = None

    # TLS

    def _secure(self, options: Any) -> None:
        """
        The server agreed to STARTTLS.

        Whatever it sent in clear text behind its OK is an attack: it would be
        taken for something that came over TLS.

        @raise Distrusted: if there is something.
        """
        if self.takeBuffered():
            error = Distrusted(
                f"{self.name}: clear text was injected behind STARTTLS;"
                " somebody is tampering with the connection"
            )
            self.abort(error)
            raise error
        self.forgetCapabilities()
        self.startedTLS = True
        self.transport.startTLS(options)

    def _startedTLS(self, result: Any, context: Any) -> Any:
        self._secure(context)
        return result

    def _getContextFactory(self) -> Any:
        """
        Never the default, which verifies nothing.
        """
        return self.context


def stockLine(condition: Condition) -> bytes:
    """
    A status response as C{IMAP4Client} reads it: it wants a text, and parses
    even that, but for a tagged NO or BAD.
    """
    arguments = b" " + condition.arguments if condition.arguments else b""
    code = b"[%s%s] " % (condition.code.encode("ascii", "replace"), arguments)
    text = condition.text or "no text"
    if condition.status == "OK" or condition.tag == "*":
        text = text.translate(_NESTING)
    words = f"{condition.tag} {condition.status} ".encode("ascii", "replace")
    return words + (code if condition.code else b"") + text.encode("utf-8")


def stockCache(words: Iterable[bytes]) -> StockCapabilities:
    """
    Capabilities as C{IMAP4Client} keeps them.
    """
    cache: dict[bytes, list[bytes | None]] = {}
    for word in words:
        category, equals, value = word.partition(b"=")
        cache.setdefault(category, []).append(value if equals else None)
    return {key: None if values == [None] else values for key, values in cache.items()}


def plainList(nodes: list[Node]) -> list[Part]:
    """
    A LIST or LSUB response with its name as a literal: C{IMAP4Client} reads
    neither C{NIL} for a separator, nor some names that end in a backslash or
    have brackets.
    """
    if len(nodes) < 5:
        raise ProtocolViolation("a LIST response without a name")
    kind, attributes, separator, name = nodes[1:5]
    words = attributes if isinstance(attributes, list) else []
    flags = b" ".join(word for word in words if isinstance(word, bytes))
    quoted = separator if isinstance(separator, bytes) else b""
    if isinstance(separator, Nil):
        quoted = b""
    octets = name if isinstance(name, bytes) else b""
    head = b"* %s (%s) " % (kind, flags)
    return [head + b"{%d}" % len(quoted), quoted, b" {%d}" % len(octets), octets, b""]
