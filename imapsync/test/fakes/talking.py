"""
A L{SyncClient} on a transport that only remembers, for tests to be its server.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from imapsync.imap import login
from imapsync.imap.auth.exchange import Identity
from imapsync.imap.auth.sasl import begin
from imapsync.imap.client import SyncClient
from imapsync.imap.commands.base import Command
from imapsync.imap.commands.login import LoginCommand
from imapsync.imap.commands.messages import BodyReceiver
from imapsync.imap.wire.responses import Condition, Row
from imapsync.model import Octets
from imapsync.uidset import UidSet

T = TypeVar("T")

PREAUTH = b"* PREAUTH [CAPABILITY IMAP4rev1 LITERAL+ ESEARCH] ready"


class Transport(StringTransport):
    """
    Remembers what happened to it, too.

    @ivar options: what TLS was started with.
    """

    options: object = None

    def startTLS(self, options: object) -> None:
        """
        Nothing is encrypted.
        """
        self.options = options


class Talk:
    """
    A conversation.

    @param greeting: what the server begins with, if anything.
    @ivar traced: what a trace showed, if one was asked for.
    """

    def __init__(
        self, greeting: bytes = PREAUTH, trace: bool = False, **arguments: Any
    ) -> None:
        self.clock = Clock()
        self.traced: list[str] = []
        tell: Callable[[str], None] | None = self.traced.append if trace else None
        self.client = SyncClient(self.clock, "server", trace=tell, **arguments)
        self.transport = Transport()
        self.greeted: list[bool | Failure] = []
        self.secured: list[Failure | None] = []
        self.client.greeted.addBoth(self.greeted.append)
        self.client.secured.addBoth(self.secured.append)
        self.client.makeConnection(self.transport)
        if greeting:
            self.say(greeting)

    def say(self, *lines: bytes) -> None:
        """
        Have the server say something, all in one piece.
        """
        self.client.dataReceived(b"".join(line + b"\r\n" for line in lines))

    def heard(self) -> bytes:
        """
        What the server got to hear since it was asked last.
        """
        said: bytes = self.transport.value()
        self.transport.clear()
        return said

    def hangUp(self) -> None:
        """
        Lose the connection.
        """
        self.client.connectionLost(Failure(ConnectionDone()))

    def open(self, name: str = "INBOX") -> Listener:
        """
        Select a mailbox.
        """
        listener = Listener()
        done = self.client.open(name, None, listener, True)
        tag = self.heard().split()[0]
        self.say(b"* OK [CLOSED] x", tag + b" OK [READ-WRITE] done")
        assert done.called
        return listener


class Listener:
    """
    Remembers what was told of a mailbox.
    """

    def __init__(self) -> None:
        self.told: list[object] = []

    def rowsReceived(self, rows: list[Row]) -> None:
        """
        Rows, one after the other.
        """
        self.told.extend(rows)

    def vanished(self, uids: UidSet, earlier: bool) -> None:
        """
        A text for what vanished.
        """
        self.told.append(f"vanished {'earlier ' if earlier else ''}{uids}")

    def existsReceived(self, messages: int) -> None:
        """
        A text for how many there are.
        """
        self.told.append(f"{messages} exist")

    def expungeReceived(self) -> None:
        """
        A text for a message that is gone.
        """
        self.told.append("expunged")

    def modseqReceived(self, modseq: int) -> None:
        """
        A text for what it has come to.
        """
        self.told.append(f"modseq {modseq}")


class Bodies(BodyReceiver):
    """
    Collects message bodies.

    @ivar began: the row that preceded each, and its size.
    @ivar messages: row and octets of each that is complete.
    """

    def __init__(self) -> None:
        self.began: list[tuple[Row, int]] = []
        self.messages: list[tuple[Row, bytes]] = []
        self._pieces = b""

    def bodyBegan(self, row: Row, size: int) -> None:
        """
        One begins.
        """
        self.began.append((row, size))
        self._pieces = b""

    def bodyReceived(self, piece: Octets) -> None:
        """
        A piece of it.
        """
        self._pieces += piece

    def bodyEnded(self, row: Row) -> None:
        """
        It is complete.
        """
        self.messages.append((row, self._pieces))


def failing(done: Deferred[Any]) -> list[Failure]:
    """
    Where C{done}'s failure will be.
    """
    failures: list[Failure] = []
    done.addErrback(failures.append)
    return failures


def awaiting(command: Command[T]) -> Deferred[T]:
    """
    Wait for a command that nobody performs yet.
    """
    done: Deferred[T] = Deferred()
    command.done = done
    return done


def outcome(command: Command[T]) -> Deferred[T]:
    """
    What is waited for of one that somebody does.
    """
    return cast("Deferred[T]", command.done)


def answered(command: Command[T], condition: Condition) -> Deferred[T]:
    """
    What becomes of one that is answered at once.
    """
    done = awaiting(command)
    command.finished(condition)
    return done


def entered(client: SyncClient, username: str, password: str) -> Deferred[None]:
    """
    Use the LOGIN command.
    """
    command = LoginCommand(username, password)
    return Deferred.fromCoroutine(login.enter(client, command))


def authenticated(client: SyncClient, mechanism: str) -> Deferred[None]:
    """
    Use a mechanism.
    """
    exchange = begin(mechanism, Identity("me", "secret"))
    return Deferred.fromCoroutine(login.authenticate(client, mechanism, exchange))
