"""
A world of two servers in memory, in which clients and whole runs talk to them.

It knows no time but a L{Clock}'s, and nothing moves but in L{World.pump}.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure

from imapsync.accounts.session import Session
from imapsync.config.request import Request
from imapsync.config.server import ServerConfig
from imapsync.config.settings import Config
from imapsync.config.tls import TLSConfig
from imapsync.imap.client import SyncClient
from imapsync.imap.hosts import recognised
from imapsync.mailbox.context import Records
from imapsync.mailbox.notes import Notes
from imapsync.mailbox.report import Report
from imapsync.mailbox.suspects import Suspects
from imapsync.model import EVERYTHING, Name, Side
from imapsync.plan.brake import Brake
from imapsync.plan.growth import Growth
from imapsync.state.store import Store
from imapsync.test.fakes.lines import Piped, SecureLink
from imapsync.testing.accounts import Account
from imapsync.testing.links import Link

T = TypeVar("T")

#: So often a world is moved on before somebody must be going round in circles.
_STEPS = 8_000
#: So many seconds it may take to be moved on once.
_PATIENCE = 30


class Reactor(MemoryReactorClock):
    """
    Connects to the accounts of a L{World}: which one, the port says.
    """

    def __init__(self, world: World) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._world = world
        world.reactor = self

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
        side = list(Side)[port - 1]
        secure = self._world.options[side].get("type") == "imaps"
        self._connect(side, factory.buildProtocol(None), secure)
        return connector

    def spawnProcess(
        self,
        protocol: ProcessProtocol,
        executable: str,
        arguments: Sequence[str],
        env: object = None,
        **_: object,
    ) -> None:
        """
        Start a command, which is called like the side that it leads to.
        """
        self._connect(Side(executable), Piped(protocol))

    def _connect(self, side: Side, protocol: Any, secure: bool = False) -> None:
        account = self._world.accounts[side]
        link = SecureLink if secure else Link
        self._world.links.append(link(account, protocol))


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

    @cvar link: what connections of clients are.
    @ivar links: all connections that were ever made.
    @ivar options: what is configured of each server, beyond what is usual.
    @ivar users: who logs in, where no configuration says it.
    @ivar reactor: what a service runs in, if one does.
    """

    link: type[Link] = Link

    def __init__(
        self,
        database: str,
        local: Account | None = None,
        remote: Account | None = None,
    ) -> None:
        self.database = database
        self.clock = Clock()
        # Two, as can be seen.
        self.accounts = {
            Side.LOCAL: local or Account(),
            Side.REMOTE: remote or Account(first=1007),
        }
        self.links: list[Link] = []
        self.options: dict[Side, dict[str, Any]] = {side: {} for side in Side}
        self.users: dict[Side, str] = {}
        self.reactor: Reactor | None = None

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
        return any(moved) or self._turn()

    def _turn(self) -> bool:
        """
        What was put off until the reactor's next turn happens.
        """
        clock = self.reactor or self.clock
        due = any(x.getTime() <= clock.seconds() for x in clock.getDelayedCalls())
        if due:
            clock.advance(0)
        return due

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
        client.user = self.users.get(side, "")
        for waiting in (client.greeted, client.secured):
            waiting.addErrback(lambda _: None)
        self.links.append(self.link(self.accounts[side], client))
        client.resyncs = "QRESYNC" in self.accounts[side].capabilities
        if client.counts:
            self.run(client.enable("QRESYNC" if client.resyncs else "CONDSTORE"))
        client.host = recognised(client.features.told, client.greeting, "")
        return client

    def settings(self, **changes: Any) -> Config:
        """
        The configuration of both sides.
        """
        readOnly = changes.pop("readOnly", ())
        allow = changes.pop("allow", {})
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
                side: _server(side)._replace(
                    allowed=() if side in readOnly else allow.get(side, EVERYTHING),
                    trash=trash.get(side),
                    **self.options[side],
                )
                for side in Side
            },
        )
        return config._replace(**changes)

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
            brake = Brake(state.totalPairs, request.allowMassDelete)
            notes = Notes(acquainted=state.totalPairs() > 0)
            suspects = Suspects(self.clock.seconds)
            records = Records(brake, report, notes, suspects, Growth())
            config = self.settings(**changes)

            def planned(name: str, text: str) -> None:
                say(f"{name}: {text}")

            self.run(Session(config, request, clients, state, records, planned).run())
        finally:
            state.close()
            for link in self.links:
                link.end(ConnectionDone())
            self.links.clear()
        return report


def troubles(report: Report) -> list[tuple[Name, str]]:
    """
    What could not be synced: mailboxes, and what is told of them.
    """
    return [(trouble.mailbox, str(trouble)) for trouble in report.troubles]


def _server(side: Side) -> ServerConfig:
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
