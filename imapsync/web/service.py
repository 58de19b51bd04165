"""
The page as a service: L{StatusPage}.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from errno import EADDRINUSE
from pathlib import Path
from typing import Any

from OpenSSL import SSL, crypto
from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.endpoints import AdoptedStreamServerEndpoint, serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort
from twisted.python.failure import Failure

from imapsync.config.status import StatusConfig, secret, socketOf
from imapsync.errors import ConfigError
from imapsync.imap.auth.secretfile import readSecret
from imapsync.log import Log
from imapsync.watch.accounts import Accounts
from imapsync.web.events import Events
from imapsync.web.guard import Guard
from imapsync.web.labels import Labels
from imapsync.web.machines import Machines
from imapsync.web.pages import Pages
from imapsync.web.seen import Known, Seen
from imapsync.web.site import StatusSite
from imapsync.web.sockets import InheritedPort, removeLeft


class StatusPage(Service):
    """
    Shows accounts, and passes on what is asked of them.

    @param known: what is known of them.
    @param accounts: does what is asked.
    @param reactor: listens, and tells the time.
    @param now: tells the time of day.
    @raise ConfigError: if the token cannot be read.
    """

    log = Log()

    def __init__(
        self,
        config: StatusConfig,
        known: Known,
        accounts: Accounts,
        reactor: Any,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._config = config
        self._known = known
        self._reactor = reactor
        seen = Seen(known, accounts, Labels() if config.hideNames else None)
        self._events = Events(reactor, seen, now)
        guard = Guard(_token(config), config.hosts)
        pages = Pages(seen, guard, Machines(seen, now), self._events.serial, now)
        self._site = StatusSite(pages, self._events, reactor)
        self._port: IListeningPort | None = None

    def listen(self) -> None:
        """
        Begin to listen: what is wrong with that is best known before all else begins.

        @raise ConfigError: if that cannot be.
        """
        where, listen = self._config.where, self._config.listen
        if path := socketOf(listen):
            removeLeft(Path(path))
        try:
            endpoint = serverFromString(self._reactor, listen)
            listening = self._listening(endpoint)
        except (SSL.Error, crypto.Error) as error:
            raise ConfigError(
                f'{where}: "{listen}" has no key and certificate, in PEM, that fit each'
                f" other: {error}"
            ) from None
        except (ValueError, TypeError, LookupError, AttributeError, OSError) as error:
            if isinstance(error, LookupError) and listen.startswith("systemd:"):
                raise ConfigError(
                    f'{where}: "{listen}" is no socket that systemd has opened: start'
                    " imapsync by its socket unit"
                ) from None
            raise ConfigError(f'{where}: "{listen}" is no endpoint: {error}') from None
        came: list[IListeningPort | Failure] = []
        listening.addBoth(came.append)
        if came:
            # Not in a callback, which would keep a signal that ends the program.
            self._came(came[0])
        else:  # some plugins take their time
            listening.addCallback(lambda _: self._came(came[0]))
            listening.addErrback(
                lambda failure: self.log.error("{error}", error=failure.value)
            )

    def startService(self) -> None:
        """
        Tell of changes from now on.
        """
        Service.startService(self)
        self._known.subscribe(self._events.changed)
        self._events.start()

    def stopService(self) -> Deferred[None]:
        """
        Let nobody in any more.
        """
        Service.stopService(self)
        self._known.unsubscribe(self._events.changed)
        self._events.stop()
        if self._port is None:
            return succeed(None)
        port: Any = self._port
        self._port = None
        return maybeDeferred(port.stopListening)

    def _listening(self, endpoint: Any) -> Deferred[Any]:
        if not (
            isinstance(endpoint, AdoptedStreamServerEndpoint)
            and endpoint.addressFamily == socket.AF_UNIX
        ):
            listening: Deferred[Any] = endpoint.listen(self._site)
            return listening
        port = InheritedPort(endpoint.fileno, self._site, self._reactor)
        port.startListening()
        return succeed(port)

    def _came(self, port: IListeningPort | Failure) -> None:
        if isinstance(port, Failure):
            where, listen = self._config.where, self._config.listen
            raise ConfigError(f"{where}: {_reason(port, listen)}")
        self._port = port
        self.log.info("The status page is at {where}.", where=self.address)

    @property
    def address(self) -> str:
        """
        Where it is.
        """
        isSecure = self._config.listen.startswith(("ssl:", "tls:"))
        return "" if self._port is None else _address(self._port, isSecure)


def _token(config: StatusConfig) -> str | None:
    if config.tokenFile is None:
        return config.token
    token = readSecret(config.tokenFile, config.where, "token-file")
    try:
        return secret(token)
    except ValueError as error:
        raise ConfigError(f"{config.where}: token-file {error}") from None


def _address(port: IListeningPort, isSecure: bool) -> str:
    """
    What a browser may be told, or whoever comes from elsewhere.
    """
    where: Any = port.getHost()
    name = getattr(where, "name", None)
    if name is not None:
        return f"unix:{name.decode() if isinstance(name, bytes) else name}"
    host = f"[{where.host}]" if ":" in where.host else where.host
    return f"http{'s' if isSecure else ''}://{host}:{where.port}/"


def _reason(failure: Failure, listen: str) -> str:
    error: Any = failure.value
    if isinstance(error, CannotListenError):
        error = error.socketError
    what = f'cannot listen at "{listen}": {getattr(error, "strerror", None) or error}'
    # Of a UNIX socket, its lock may be taken.
    isTaken = not isinstance(error, OSError) or error.errno == EADDRINUSE
    return f"{what}: {'end what has it, or ' if isTaken else ''}name another place"
