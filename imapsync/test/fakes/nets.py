"""
What L{imapsync.run.look} looks at, in memory: plain sockets to the accounts of a
world, and what goes on with them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.interfaces import IStreamClientEndpoint
from zope.interface import implementer

from imapsync.config.server import ServerConfig
from imapsync.imap.access import Access
from imapsync.imap.plain import Begun
from imapsync.imap.transport.replay import Adopted
from imapsync.model import Side
from imapsync.run.look import Net
from imapsync.test.fakes.world import Reactor, World
from imapsync.testing.accounts import Account
from imapsync.testing.dialogue import Dialogue
from imapsync.testing.links import Link


class Socket:
    """
    One that leads to an account.

    @cvar family: nobody looks at that.
    @ivar ended: whether the server's end is closed.
    @ivar closed: whether ours is.
    """

    family = 0

    def __init__(self, account: Account, number: int) -> None:
        self.account = account
        self.dialogue = Dialogue(account)
        self.ended = self.closed = False
        self._number = number

    def __enter__(self) -> Socket:
        return self

    def __exit__(self, *_: object) -> None:
        """
        It goes on elsewhere.
        """

    def fileno(self) -> int:
        """
        Its number.
        """
        return self._number

    def setsockopt(self, *_: object) -> None:
        """
        Nothing is to be set.
        """

    def send(self, data: bytes) -> int:
        """
        As much as there is room for.
        """
        if self.ended:
            raise BrokenPipeError
        self.dialogue.received(bytes(data))
        return len(data)

    @property
    def ready(self) -> bool:
        """
        Whether there is something to be received.
        """
        return bool(self.dialogue.said()) or self.dialogue.closing or self.ended

    def recv(self, _: int) -> bytes:
        """
        As much as comes at once.
        """
        said = self.dialogue.said()
        octets = bytes(said[: self.account.chunk])
        del said[: len(octets)]
        return octets

    def close(self) -> None:
        """
        Close it.
        """
        self.closed = True


class Ready(NamedTuple):
    """
    What a selector tells.
    """

    data: Any


class Selector:
    """
    Waits for none: time goes by in a moment.
    """

    def __init__(self, nets: Nets) -> None:
        self._nets = nets
        self._registered: list[Any] = []

    def __enter__(self) -> Selector:
        return self

    def __exit__(self, *_: object) -> None:
        """
        It is over.
        """

    def register(self, one: Any, _events: int, _data: object) -> None:
        """
        Wait for this one as well.
        """
        self._registered.append(one)

    def unregister(self, one: Any) -> None:
        """
        No longer.
        """
        self._registered.remove(one)

    def select(self, timeout: float) -> list[tuple[Ready, int]]:
        """
        Those that are ready.
        """
        self._nets.before()
        ready = [(Ready(one), 1) for one in self._registered if one.socket.ready]
        if not ready:
            self._nets.seconds += max(timeout, 0.001)
        return ready


class Nets:
    """
    Ways to the accounts of a world.

    @ivar seconds: the time.
    @ivar before: called before anything is waited for.
    @ivar refused: sides that take no connection.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.seconds = 0.0
        self.before: Callable[[], None] = lambda: None
        self.refused: set[Side] = set()
        self.sockets: dict[int, Socket] = {}

    def net(self) -> Net:
        """
        As L{look<imapsync.run.look.look>} takes it.
        """
        connect: Any = self._connect
        selector: Any = lambda: Selector(self)  # noqa: E731
        return Net(connect, selector, lambda: self.seconds)

    def _connect(self, server: ServerConfig) -> Socket:
        if server.side in self.refused:
            raise ConnectionRefusedError
        number = len(self.sockets)
        account = self.world.accounts[server.side]
        self.sockets[number] = Socket(account, number)
        return self.sockets[number]

    def access(self, reactor: Adopting, connection: Begun) -> Access:
        """
        What goes on with a connection.
        """
        reactor.sockets = self.sockets
        adopted = Adopted(
            reactor,
            connection.socket,
            connection.tape,
            lambda: Further(reactor, connection.server.port),
        )
        return Access(adopted)


@implementer(IStreamClientEndpoint)
class Further:
    """
    Connects anew.
    """

    def __init__(self, reactor: Any, port: int) -> None:
        self._reactor = reactor
        self._port = port

    def connect(self, factory: Any) -> Any:
        """
        Connect.
        """
        endpoint = TCP4ClientEndpoint(self._reactor, "127.0.0.1", self._port)
        return endpoint.connect(factory)


class Taken(Link):
    """
    A link that was a plain socket before.
    """

    def __init__(self, socket: Socket, protocol: Any) -> None:
        self._begun = socket.dialogue
        super().__init__(socket.account, protocol)
        self.dialogue = socket.dialogue

    def _within(self, dialogue: Dialogue) -> Any:
        return self._begun


class Adopting(Reactor):
    """
    A reactor that takes such sockets over.

    @ivar sockets: by their numbers.
    """

    sockets: dict[int, Socket]

    def adoptStreamConnection(self, number: int, _family: int, factory: Any) -> None:
        """
        Take one over.
        """
        socket = self.sockets[number]
        if socket.ended:
            raise OSError(107, "not connected")
        link = Taken(socket, factory.buildProtocol(None))
        self._world.links.append(link)
