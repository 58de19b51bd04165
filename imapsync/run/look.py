"""
The first look: where nothing has changed since the last run, it is all that a run
does, and it takes no reactor, whose import is what would take the longest.

It is taken if all of this is so:

 - the database has what both servers told at the end of the last run, which left
   nothing to do (L{imapsync.plan.unchanged} says when that is kept), and is of the
   present version, and no other instance uses it;
 - a run of this kind is asked for: of one account, once, of all its mailboxes, with
   nothing to be told to machines or to who debugs;
 - both servers are asked on this computer, without TLS and without a command, by a
   password of the configuration.

It logs in to both servers at once, by the code that all runs log in by, and asks what
all runs ask first; and if that does not show all changes, it looks at the mailboxes
where there may be some.  If they answer the same, the run is over; it says LOGOUT, and
tells what any run tells that finds nothing to do.

If not, or if anything is odd (an error, a refusal, an alert, a connection that is to
be compressed, silence), it ends without a word, and the connections go on to the
ordinary run as they are (L{imapsync.imap.transport.replay}).  That one then meets
what was odd, and does and tells what it does and tells of it otherwise; nothing is
said twice to a server, unless mailboxes were looked at there: then it connects anew.

If one server tells news while the other is far away, behind a tunnel, an ordinary run
is to follow: meanwhile, it imports what that needs, a little at a time.  It does not
before that is certain: where there are no news, it would be in vain.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from importlib import import_module
from selectors import EVENT_READ, BaseSelector, DefaultSelector
from time import monotonic
from typing import Any, NamedTuple, cast

import imapsync
from imapsync.config.request import Request
from imapsync.config.server import ServerConfig
from imapsync.config.settings import Config
from imapsync.errors import StateError
from imapsync.imap.plain import Begun, Odd, Plain
from imapsync.mailbox.summary import spent, total
from imapsync.model import Side
from imapsync.plan.unchanged import (
    Told,
    fingerprint,
    glimpsed,
    isComparable,
    isNews,
)
from imapsync.state.looks import LookFile

#: So many seconds, in all, are enough for servers that are well; and may they take to
#: end, as L{imapsync.imap.client} has it.
_PATIENCE = 5.0

#: To tell the flags of many messages takes longer, which an ordinary run would wait for
#: as well: then so many seconds are enough, as long as octets come.
_LONGEST = 60.0

_HERE = re.compile(r"127(\.[0-9]+){3}|::1")


def _connected(server: ServerConfig) -> socket.socket:
    # In octets, the name is taken as it is: C{idna} takes time to be imported.
    address = cast(Any, (server.host.encode("ascii"), server.port))
    connected = socket.create_connection(address, _PATIENCE)
    connected.setblocking(False)
    if not _HERE.fullmatch(connected.getpeername()[0]):
        connected.close()
        raise Odd("what is called localhost is elsewhere")
    return connected


class Net(NamedTuple):
    """
    What is around: as it is, unless a test says otherwise.

    @ivar connect: connects to a server.
    @ivar selector: makes what waits for octets.
    @ivar now: tells the time, in seconds.
    """

    connect: Callable[[ServerConfig], socket.socket] = _connected
    selector: Callable[[], BaseSelector] = DefaultSelector
    now: Callable[[], float] = monotonic


NET = Net()


class Looked(NamedTuple):
    """
    What has come of it.

    @ivar summary: the lines that tell of a run that found nothing to do; none, if
        there may be something.
    @ivar connections: those that an ordinary run is to go on with.
    @ivar alerts: what servers want people to know, of a run that is over.
    """

    summary: tuple[str, ...]
    connections: Mapping[Side, Begun]
    alerts: tuple[str, ...] = ()


def look(
    config: Config, request: Request, ahead: Iterable[str] = (), net: Net = NET
) -> Looked:
    """
    Take a first look, if it may be of use.

    @param ahead: the names of modules to be imported meanwhile.
    """
    if not (
        isComparable(config, request)
        and not request.json
        and all(map(_isHere, config.servers.values()))
        and LookFile.isWorthwhile(config.database)
    ):
        return Looked((), {})
    began = net.now()
    first = _Look(config, iter(ahead), net)
    try:
        with closing(LookFile.open(config.database)) as state:
            if not first.isEqual(state.cleanLook):
                return Looked((), first.released())
            state.stillEqual()
            first.leave()
    except (Odd, OSError, StateError):
        return Looked((), first.released())
    finally:
        first.close()
    summary = total({}), spent(first.octets, net.now() - began)
    return Looked(summary, {}, tuple(first.alerts))


class _Look:
    """
    Connections to both servers.

    @ivar octets: how many went over them.
    @ivar alerts: L{Looked.alerts}.
    """

    def __init__(self, config: Config, ahead: Iterator[str], net: Net) -> None:
        self.octets = 0
        self.alerts: list[str] = []
        self._net = net
        self._config = config
        self._ahead = ahead
        self._connections: dict[Side, Plain] = {}

    def isEqual(self, seen: bytes) -> bool:
        """
        Whether both servers tell what they told last.

        @param seen: that, as L{fingerprint} puts it.
        @raise Odd: one of them is to be asked in the ordinary way.
        @raise OSError: likewise.
        """
        for side, server in self._config.servers.items():
            self._connections[side] = Plain(server, self._net.connect(server))
        self._hear(
            lambda connection: connection.seen is not None,
            lambda: any(isNews(seen, *one) for one in self._told().items()),
        )
        shown = {side: glimpsed(seen, side) for side in Side}
        told = {
            side: one._replace(glimpses=shown[side])
            for side, one in self._told().items()
        }
        if seen != fingerprint(self._config, imapsync.__version__, told):
            return False
        # Nobody can go on with a connection over which this was asked.
        for side, connection in self._connections.items():
            if shown[side]:
                connection.compare(shown[side])
        self._hear(lambda one: one.compared or not one.spent, longest=_LONGEST)
        return True

    def _told(self) -> Mapping[Side, Told]:
        """
        What those servers told that have told all.
        """
        return {
            side: Told(*connection.seen)
            for side, connection in self._connections.items()
            if connection.seen is not None
        }

    def leave(self) -> None:
        """
        LOGOUT on both, and wait for the ends.
        """
        for connection in self._connections.values():
            connection.leave()
        with suppress(Odd):  # there is nothing to lose any more
            self._hear(lambda connection: connection.ended)

    def released(self) -> Mapping[Side, Begun]:
        """
        The connections, which are no longer used or closed here; but of those over
        which more was asked than all runs begin with, it is only taken leave.
        """
        spent = {side: one for side, one in self._connections.items() if one.spent}
        released = {s: one for s, one in self._connections.items() if s not in spent}
        self._connections = spent
        for one in spent.values():
            one.leave()
        return {side: one.released() for side, one in released.items()}

    def close(self) -> None:
        """
        Close the connections.
        """
        for connection in self._connections.values():
            self.octets += len(connection.tape)
            self.alerts += connection.alerts
            connection.socket.close()

    def _hear(
        self,
        isOver: Callable[[Plain], bool],
        hasNews: Callable[[], bool] = lambda: False,
        longest: float = _PATIENCE,
    ) -> None:
        """
        Hear each until it is over.

        @param hasNews: whether an ordinary run is to follow, asked when one is over.
        @param longest: for so many seconds, if they are not silent meanwhile.
        @raise Odd: that takes too long.
        """
        last = self._net.now() + longest
        until = self._net.now() + _PATIENCE
        with self._net.selector() as selector:
            waiting = [one for one in self._connections.values() if not isOver(one)]
            for connection in waiting:
                selector.register(connection, EVENT_READ, connection)
            news = False
            while waiting:
                name = next(self._ahead, None) if news else None
                if name is not None:
                    import_module(name)
                ready = selector.select(0 if name else until - self._net.now())
                for key, _ in ready:
                    key.data.receive()
                    until = min(self._net.now() + _PATIENCE, last)
                for connection in (over := [one for one in waiting if isOver(one)]):
                    selector.unregister(connection)
                    waiting.remove(connection)
                news = news or bool(over and waiting and hasNews())
                if self._net.now() > until:
                    raise Odd("it takes too long")


def _isHere(server: ServerConfig) -> bool:
    """
    Whether a server is on this computer: then no name need be looked up, and nothing be
    said about what goes over the net.
    """
    return server.host == "localhost" or _HERE.fullmatch(server.host) is not None
