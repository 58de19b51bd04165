"""
A conversation over a plain socket, without Twisted: L{Plain}.

It greets, logs in and asks by the same code as any other connection
(L{imapsync.imap.login}), with the same parser, dispatcher and pipeline, none of which
does any input or output.  All that goes over it is kept, on a L{Tape}: so the ordinary
client can take it over at any moment (L{imapsync.imap.transport.replay}), and hears
and says the same.

Nothing odd is dealt with here.  Whatever a server says that is not simply the answer
to what it was asked is L{Odd}, and so is any error: the ordinary client hears it
then, and does and tells what is right.
"""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Awaitable, Sequence
from contextlib import closing, suppress
from typing import Any, NamedTuple, TypeVar

from imapsync.config.server import ServerConfig
from imapsync.errors import ImapSyncError
from imapsync.imap import asking, login
from imapsync.imap.asking import Answer
from imapsync.imap.auth.redaction import redacted
from imapsync.imap.commands.account import (
    IdCommand,
    ListCommand,
    NamespaceCommand,
    SubscriptionsCommand,
    lookOf,
)
from imapsync.imap.commands.append import Words
from imapsync.imap.commands.base import Alone, Command
from imapsync.imap.dispatch import Dispatcher
from imapsync.imap.features import QRESYNC, Features
from imapsync.imap.hosts import UNKNOWN
from imapsync.imap.pipeline import Pipeline
from imapsync.imap.wire.parser import Parser
from imapsync.imap.wire.reading import kindOf
from imapsync.imap.wire.responses import (
    Capabilities,
    Condition,
    Continuation,
    Other,
    Unreadable,
)
from imapsync.model import Glimpse, Listed

T = TypeVar("T")

#: So many octets are read at once.
_PIECE = 256 * 1024

#: As L{imapsync.imap.connection} has it.
_QUICKACK = getattr(socket, "TCP_QUICKACK", None)


class Odd(Exception):
    """
    Something that is not dealt with here.
    """


class Received(NamedTuple):
    """
    Octets that came.

    @ivar after: how many had been sent by then.
    """

    after: int
    octets: bytes


class Tape:
    """
    What went over a socket.

    @ivar further: how many octets came when nobody was to go on any more.
    """

    def __init__(self) -> None:
        self.sent = bytearray()
        self.received: deque[Received] = deque()
        self.further = 0

    def __len__(self) -> int:
        """
        How many octets did.
        """
        received = sum(len(one.octets) for one in self.received)
        return len(self.sent) + received + self.further


class Begun(NamedTuple):
    """
    A connection to go on with.
    """

    server: ServerConfig
    socket: socket.socket
    tape: Tape


class Seen(NamedTuple):
    """
    What a server told.
    """

    capabilities: frozenset[str]
    namespaces: tuple[object, ...]
    listed: list[Listed]


class Plain:
    """
    A connection to one server: L{login.Client},
    L{Output<imapsync.imap.pipeline.Output>} and
    L{Session<imapsync.imap.dispatch.Session>}.

    @param connected: a socket, which does not block.
    @ivar spent: whether more was asked than what all runs begin with.
    @ivar compared: whether L{compare} has come to its end.
    @ivar seen: what the server told, as soon as it has told all.
    @ivar alerts: those that came when it was over: who leaves hears them, too.
    @ivar ended: whether it has answered LOGOUT, or is gone.
    """

    def __init__(self, server: ServerConfig, connected: socket.socket) -> None:
        self.socket = connected
        self.spent = self.compared = False
        self.tape = Tape()
        self.state: str | None = None
        self.user = self.method = self.greeting = ""
        self.secrets: tuple[str, ...] = ()
        self.offered: frozenset[str] = frozenset()
        self.host = UNKNOWN
        self.way = QRESYNC
        self.resyncs = True
        self.features = Features()
        self.seen: Seen | None = None
        self.alerts: list[str] = []
        self._server = server
        self._pipeline = Pipeline(self)
        self._pipeline.most = server.commandsInFlight
        self._dispatcher = Dispatcher(self)
        self._parser = Parser(self._dispatcher)
        self._greeted: Answer[None] = Answer()
        self._leaving: Answer[Condition] | None = None
        self._gone = False
        self._doing = self._look()
        self._step()

    def fileno(self) -> int:
        """
        That of the socket.
        """
        return self.socket.fileno()

    @property
    def ended(self) -> bool:
        """
        Whether there is nothing more to wait for.
        """
        return self._gone or (self._leaving is not None and self._leaving.called)

    def receive(self) -> None:
        """
        Octets have come, or the end.

        @raise Odd: the ordinary client must deal with it.
        """
        try:
            octets = self.socket.recv(_PIECE)
            if _QUICKACK is not None:
                self.socket.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
            if not octets:
                raise Odd("an end")
            if self.spent:
                self.tape.further += len(octets)
            else:
                self.tape.received.append(Received(len(self.tape.sent), octets))
            self._parser.feed(octets)
            self._step()
        except (Odd, ImapSyncError, OSError) as error:
            if self._leaving is None:
                raise Odd(str(error)) from error
            self._gone = True

    def _step(self) -> None:
        """
        Go on, as far as that goes without an answer.
        """
        if self.seen is None or (self.spent and not self.compared):
            with suppress(StopIteration):
                self._doing.send(None)

    def compare(self, wanted: Sequence[Glimpse]) -> None:
        """
        Look at mailboxes, when all else was told: L{Odd}, unless they show that.
        """
        self.spent = True
        self._doing = self._compare(wanted)
        self._step()

    def released(self) -> Begun:
        """
        Let somebody else go on.
        """
        return Begun(self._server, self.socket, self.tape)

    def leave(self) -> None:
        """
        LOGOUT.
        """
        self._leaving = Answer()
        try:
            self._perform(Alone("LOGOUT"), self._leaving)
        except (Odd, OSError):
            self._gone = True

    async def _compare(self, wanted: Sequence[Glimpse]) -> None:
        if not await asking.isShown(self, wanted):
            raise Odd("something has changed")
        self.compared = True

    async def _look(self) -> None:
        """
        Log in, and look at all mailboxes.
        """
        server = self._server
        await self._greeted
        await login.login(self, server, self._credentials)
        await login.capability(self)
        if login.compresses(self, server):
            raise Odd("compression")
        with closing(await login.enable(self, server)) as enabled:
            self._pipeline.most = server.commandsInFlight or self.host.inFlight
            if "ID" in self.features:
                self.perform(IdCommand(login.IDENTITY))
            listing = self.perform(ListCommand("*", (), lookOf(self.features)))
            asked = [] if self.features.listsExtended else [SubscriptionsCommand()]
            subscriptions = [self.perform(one) for one in asked]
            spaces = [NamespaceCommand()] if "NAMESPACE" in self.features else []
            telling = [self.perform(one) for one in spaces]
            way = self.way
            await enabled
            if self.way != way:
                raise Odd("what it offers it does not enable")
        listed = await listing
        subscribed = {box.name for one in subscriptions for box in await one}
        namespaces = [await one for one in telling]
        if not self.features.listsStatus:
            listed = await asking.withStatus(self, listed)
        if subscriptions:
            listed = [box.withSubscription(box.name in subscribed) for box in listed]
        self.seen = Seen(self.features.told, (*namespaces,), listed)

    async def _credentials(self, method: str) -> tuple[str, str]:
        return self._server.username or "", self._server.password or ""

    # Commands

    def perform(self, command: Command[T], /) -> Awaitable[T]:
        """
        Send a command as soon as those before it allow.
        """
        return self._perform(command, Answer())

    def _perform(self, command: Command[T], answer: Answer[T]) -> Answer[T]:
        command.done = answer
        self._pipeline.submit(command)
        return answer

    def started(self, command: Command[Any]) -> None:
        """
        C{command} is in flight now.
        """
        self._dispatcher.started(command)

    def asksLeave(self, size: int, words: Words = frozenset()) -> bool:
        """
        Whether the server's leave must be awaited for a literal of C{size} octets.
        """
        return self.features.asksLeave(size)

    def show(self, data: bytes) -> None:
        """
        Nobody looks on.
        """

    def write(self, data: bytes, instead: bytes = b"") -> None:
        """
        Send octets.

        @raise Odd: not all could be.
        """
        sent = self.socket.send(data)
        self.tape.sent += data[:sent]
        if sent < len(data):
            raise Odd("no room to send")

    # Answers

    def conditionReceived(self, condition: Condition) -> None:
        """
        A status response.
        """
        if condition.code == "CAPABILITY":
            self._know(condition.arguments.split())
        tagged = condition.tag != "*"
        if self._leaving is None and self._isOdd(condition, tagged):
            raise Odd(condition.text)
        if condition.code == "ALERT" and condition.status != "BYE":
            text = redacted(condition.text, self.secrets)
            self.alerts.append(f"{self._server.where}: {text}")
        if tagged:
            command = self._pipeline.flight(condition.tag)
            self._dispatcher.finished(command, condition.status == "OK")
            self._pipeline.finish(condition)
        elif self._greeted.called:
            self._dispatcher.untagged(condition)
        else:
            self.state, self.greeting = "unauth", condition.text
            self._greeted.callback(None)

    def _isOdd(self, condition: Condition, tagged: bool) -> bool:
        """
        Whether it says more than that all is well.
        """
        return (
            condition.status != "OK"
            or condition.code == "ALERT"
            or "backoff" in condition.text.lower()  # see L{imapsync.imap.backoff}
            or (tagged and not self._greeted.called)
        )

    def continuationReceived(self, continuation: Continuation) -> None:
        """
        The server waits for more.
        """
        self._pipeline.proceed(continuation.text)

    def capabilitiesReceived(self, capabilities: Capabilities) -> None:
        """
        What the server can do.
        """
        self._know(capabilities.words)

    def _know(self, words: list[bytes]) -> None:
        self.features = Features(words).without(self.host.distrusted)

    def forgetCapabilities(self) -> None:
        """
        They may have changed.
        """
        self.features = Features()

    def otherReceived(self, response: Other) -> None:
        """
        A response that nobody else reads.
        """
        if kindOf(response.parts[0] or b"") != "RECENT":
            raise Odd("a response of no known kind")

    def skipped(self, response: Unreadable) -> None:
        """
        A response that nobody can read or needs.
        """
        raise Odd(response.text)
