"""
A world of two servers in memory, in which clients and whole runs talk to them.

It knows no time but a L{Clock}'s, and nothing moves but in L{World.pump}.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure

from imapsync.accounts.session import Session
from imapsync.config.file import Config, ServerConfig, TLSConfig
from imapsync.config.request import Request
from imapsync.imap.client import SyncClient
from imapsync.mailbox.report import Report
from imapsync.model import Side
from imapsync.plan.brake import Brake
from imapsync.state.store import Store
from imapsync.test.fakes.accounts import Account
from imapsync.test.fakes.scripted import Dialogue

T = TypeVar("T")

#: When a transport holds more than this, it pauses its producer.
_HIGH = 64 * 1024
#: So often a world is moved on before somebody must be going round in circles.
_STEPS = 8_000
#: So many seconds it may take to be moved on once.
_PATIENCE = 30


class Link(StringTransport):
    """
    The client's transport, with a L{Dialogue} at its other end.

    @ivar peak: the most octets that ever waited in it to be taken.
    """

    def __init__(self, account: Account, protocol: Protocol) -> None:
        super().__init__(lenient=True)  # type: ignore[no-untyped-call]
        self.account = account
        self.dialogue = Dialogue(account)
        self.peak = 0
        self._protocol: Protocol | None = protocol
        self._full = False
        protocol.makeConnection(self)

    @property
    def open(self) -> bool:
        """
        Whether nobody has closed it yet.
        """
        return self._protocol is not None and not self.disconnecting

    def write(self, data: bytes) -> None:
        """
        Take octets from the client.
        """
        if self.disconnected or self._protocol is None:
            return
        self.io.write(data)
        waiting = self.io.tell()
        self.peak = max(self.peak, waiting)
        if waiting > _HIGH and self.producer is not None and not self._full:
            self._full = True
            self.producer.pauseProducing()

    def move(self) -> bool:
        """
        Bring octets to the other end.

        @return: whether anything happened.
        """
        if self._protocol is None:
            return False
        if self.disconnected:
            self.end(ConnectionLost())
            return True
        moved = self._up(), self._down()
        return any(moved) or self._hangUp()

    def end(self, reason: Exception) -> None:
        """
        The connection is gone.
        """
        protocol, self._protocol = self._protocol, None
        if protocol is None:
            return
        if self.producer is not None:
            self.producer.stopProducing()
        protocol.connectionLost(Failure(reason))

    def _up(self) -> bool:
        waiting = self.value()
        account = self.account
        if not waiting or account.upLeft == 0:
            return False
        data = waiting[: account.window][: account.upLeft]
        self.clear()
        self.io.write(waiting[len(data) :])
        self.dialogue.received(data)
        if account.upLeft is not None:
            account.upLeft -= len(data)
            if not account.upLeft and not account.stalls:
                account.upLeft = None
                self.end(ConnectionLost())
        if self._full and not self.io.tell():
            self._full = False
            if self.producer is not None:
                self.producer.resumeProducing()
        return True

    def _down(self) -> bool:
        self.dialogue.push()
        output, account = self.dialogue.output, self.account
        if self.producerState != "producing" or not output or self._protocol is None:
            return False
        if account.downLeft == 0:
            return False
        data = bytes(output[: account.chunk][: account.downLeft])
        del output[: len(data)]
        if data:
            self._protocol.dataReceived(data)
        if account.downLeft is not None:
            account.downLeft -= len(data)
            if not account.downLeft and not account.stalls:
                account.downLeft = None
                self.end(ConnectionLost())
        return True

    def _hangUp(self) -> bool:
        if not self.disconnecting and not self.dialogue.closing:
            return False
        self.end(ConnectionDone())
        return True


class Reactor(MemoryReactorClock):
    """
    Connects to the accounts of a L{World}: which one, the port says.
    """

    def __init__(self, world: World) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._world = world

    def connectTCP(
        self,
        host: str,
        port: int,
        factory: Any,
        timeout: float = 30,
        bindAddress: Any = None,
    ) -> Any:
        """
        Connect at once.
        """
        connector = super().connectTCP(  # type: ignore[no-untyped-call]
            host, port, factory, timeout, bindAddress
        )
        account = self._world.accounts[list(Side)[port - 1]]
        self._world.links.append(Link(account, factory.buildProtocol(None)))
        return connector


class QuickState(Store):
    """
    A database that does not wait for the disk.
    """

    def _prepare(self) -> None:
        self._query("PRAGMA synchronous = OFF")
        super()._prepare()
        self._query("PRAGMA synchronous = OFF")


class World:
    """
    Two accounts, and what is between them.

    @ivar links: all connections that were ever made.
    """

    def __init__(self, database: str) -> None:
        self.database = database
        self.clock = Clock()
        # Two, as can be seen.
        self.accounts = {
            side: Account(first=first)
            for side, first in zip(Side, (7, 1007), strict=True)
        }
        self.links: list[Link] = []

    @property
    def local(self) -> Account:
        """
        One side.
        """
        return self.accounts[Side.LOCAL]

    @property
    def remote(self) -> Account:
        """
        The other.
        """
        return self.accounts[Side.REMOTE]

    @property
    def equal(self) -> bool:
        """
        Whether both sides hold the same.
        """
        return self.local.content == self.remote.content

    def fill(self, *bodies: bytes) -> None:
        """
        Put messages into the local INBOX.
        """
        for body in bodies:
            self.local.inbox.add(body)

    def pump(self) -> None:
        """
        Let everything happen that happens by itself.
        """
        with _watched():
            for _ in range(_STEPS):
                if not self.step():
                    return
        raise AssertionError("it goes on for ever")

    def step(self) -> bool:
        """
        Let a little of it happen.

        @return: whether anything did.
        """
        moved = [link.move() for link in self.links]  # each has its turn
        return any(moved)

    def start(self, work: Coroutine[Deferred[Any], Any, T]) -> Deferred[T]:
        """
        Begin with C{work}.
        """
        with _watched():
            return Deferred.fromCoroutine(work)

    def run(self, work: Coroutine[Deferred[Any], Any, T] | Deferred[T]) -> T:
        """
        Let C{work} be done.

        @return: its result.
        """
        results: list[T | Failure] = []
        done = work if isinstance(work, Deferred) else self.start(work)
        done.addBoth(results.append)
        self.pump()
        if not results:
            raise AssertionError("it waits for ever")
        [result] = results
        if isinstance(result, Failure):
            result.raiseException()
        return result

    def connect(
        self, side: Side, clock: IReactorTime | None = None, timeout: float = 300
    ) -> SyncClient:
        """
        A client that is ready for work.
        """
        client = SyncClient(clock or self.clock, str(side), timeout)
        for waiting in (client.greeted, client.secured):
            waiting.addErrback(lambda _: None)
        self.links.append(Link(self.accounts[side], client))
        self.run(client.enable("QRESYNC"))
        return client

    def settings(self, **changes: Any) -> Config:
        """
        The configuration of both sides.
        """
        readOnly = changes.pop("readOnly", ())
        trash = changes.pop("trash", {})
        config = Config(
            path="/etc/imapsync",
            database=self.database,
            listMailbox=("*",),
            listSelectOpts=("SUBSCRIBED",),
            ignoreMailbox=None,
            logfile=None,
            mergeFlags=False,
            mapSpecialUse=False,
            servers={
                side: replace(
                    _server(side, side in readOnly), trash=trash.get(side, "")
                )
                for side in Side
            },
        )
        return replace(config, **changes)

    def sync(
        self,
        request: Request | None = None,
        say: Callable[[str], None] = print,
        open: Callable[..., Store] = QuickState.open,  # noqa: A002
        **changes: Any,
    ) -> Report:
        """
        Sync once, over new connections.

        @return: what was done.
        """
        request = request or Request()
        for account in self.accounts.values():
            account.heard.clear()
        clients = {side: self.connect(side) for side in Side}
        report = Report()
        state = open(self.database, readOnly=request.dryRun)
        try:
            brake = Brake(state.totalPairs(), request.allowMassDelete)
            config = self.settings(**changes)
            self.run(Session(config, request, clients, state, brake, report, say).run())
        finally:
            state.close()
            for link in self.links:
                link.end(ConnectionDone())
            self.links.clear()
        return report


def _server(side: Side, readOnly: bool) -> ServerConfig:
    return ServerConfig(
        side=side,
        type="imap",
        host="127.0.0.1",
        port=list(Side).index(side) + 1,
        command=None,
        nullStderr=False,
        starttls=False,
        auth=("PLAIN",),
        username="me",
        password="secret",
        passwordCommand=None,
        tls=TLSConfig(),
        readOnly=readOnly,
        listReference="",
    )


@contextmanager
def _watched() -> Iterator[None]:
    """
    What goes round in circles without waiting for anything ends as well.
    """

    def interrupt(*_: object) -> None:
        raise AssertionError("it is busy for ever")

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.alarm(_PATIENCE)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
