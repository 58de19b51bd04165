"""
Finding the servers of a mail domain: all who may know are asked at the same time.

What is told over TLS comes before what DNS says alone, and that before what somebody
else's database says of the domain's mail exchange; at the end stands what was guessed
and found.  A server without TLS is never proposed.  Nobody but the domain itself
learns the address.
"""

from __future__ import annotations

from collections.abc import Coroutine, Iterator, Sequence
from functools import partial
from typing import Any, Protocol

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectError, DNSLookupError
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from imapsync.discovery import autoconfig, pacc, records
from imapsync.discovery.address import Address
from imapsync.discovery.proposal import Proposal, named
from imapsync.discovery.records import SERVICES, Service
from imapsync.errors import ImapSyncError
from imapsync.log import Log

#: In seconds, for all.
PATIENCE = 8.0

#: Where servers often are: their names within the domain, and the types and ports.
_PLACES = (
    ("imap.", "imaps", 993),
    ("mail.", "imaps", 993),
    ("", "imaps", 993),
    ("imap.", "imap", 143),
    ("mail.", "imap", 143),
)

_OWN = "told by the provider"
_DATABASE = "told by the database of Thunderbird"

#: Why somebody may not know.
_USUAL = (ImapSyncError, ValueError, ConnectError, DNSLookupError, CancelledError)

_log = Log()

Found = Sequence[Proposal]


class Documents(Protocol):
    """
    As L{imapsync.discovery.documents.Documents}.
    """

    async def get(self, url: str) -> bytes:
        """
        A document.
        """


class Records(Protocol):
    """
    As L{imapsync.discovery.resolver.Names}.
    """

    async def services(self, name: str) -> Sequence[Service]:
        """
        SRV records.
        """

    async def texts(self, name: str) -> Sequence[str]:
        """
        TXT records.
        """

    async def exchanges(self, name: str) -> Sequence[str]:
        """
        Mail exchanges.
        """


class Doors(Protocol):
    """
    As L{imapsync.discovery.greeting.Knocker}.
    """

    async def answers(self, host: str, port: int, kind: str) -> bool:
        """
        Whether a server greets.
        """


class Search:
    """
    Asks all who may know.
    """

    def __init__(
        self, clock: IReactorTime, web: Documents, names: Records, doors: Doors
    ) -> None:
        self._clock = clock
        self._web = web
        self._names = names
        self._doors = doors

    async def find(self, address: Address) -> tuple[Proposal, ...]:
        """
        Where the mail of C{address} may be, the best proposal first; none within
        L{PATIENCE} means none.
        """
        asked = [Deferred.fromCoroutine(one) for one in self._asked(address)]
        found = await _Race(asked, self._clock).best
        distinct = {(one.host, one.port): one for one in reversed(found)}
        return tuple(one for one in found if distinct[one.host, one.port] is one)

    def _asked(self, address: Address) -> Iterator[Coroutine[Any, Any, Found]]:
        """
        All that are asked, the best one first.
        """
        domain = address.host
        yield self._pacc(address)
        for url in autoconfig.urls(address):
            yield self._document(url, address, _OWN, True)
        url = f"{autoconfig.DATABASE}{domain}"
        yield self._document(url, address, _DATABASE, True)
        for service in SERVICES:
            yield self._service(service, address)
        yield self._exchange(address)
        for prefix, kind, port in _PLACES:
            yield self._guess(f"{prefix}{domain}", kind, port, address)

    async def _pacc(self, address: Address) -> Found:
        document = await self._web.get(pacc.url(address))
        texts = await self._names.texts(pacc.record(address))
        return pacc.read(document, texts, address)

    async def _document(
        self, url: str, address: Address, source: str, vouched: bool
    ) -> Found:
        document = await self._web.get(url)
        return autoconfig.read(document, address, source, vouched)

    async def _service(self, service: str, address: Address) -> Found:
        found = await self._names.services(f"{service}.{address.host}")
        return [*records.proposals(service, found, address)]

    async def _exchange(self, address: Address) -> Found:
        """
        What is known of the provider that takes mail for the domain.
        """
        exchanges = await self._names.exchanges(address.host)
        for domain in autoconfig.domains(named(exchanges[0])) if exchanges else ():
            source = f"{_DATABASE} for {domain}, which takes the mail"
            url = f"{autoconfig.DATABASE}{domain}"
            try:
                return await self._document(url, address, source, False)
            except (ImapSyncError, ValueError):
                continue
        return ()

    async def _guess(self, host: str, kind: str, port: int, address: Address) -> Found:
        if not await self._doors.answers(host, port, kind):
            return ()
        guessed = Proposal(host, port, kind, address.mail, "guessed, and found", True)
        return (guessed,)


class _Race:
    """
    Waits for what the first in an order found that found anything.

    @param asked: in this order.
    @ivar best: fires with that, and then what others have found until then.
    """

    def __init__(self, asked: Sequence[Deferred[Found]], clock: IReactorTime) -> None:
        self._asked = asked
        self._known: list[Found | None] = [None for _ in asked]
        self._over = False
        self._late = clock.callLater(PATIENCE, self._end)
        self.best: Deferred[Found] = Deferred(lambda _: self._close())
        for number, one in enumerate(asked):
            one.addErrback(self._fail).addCallback(partial(self._tell, number))

    def _tell(self, number: int, found: Found) -> None:
        self._known[number] = found
        first = next((one for one in self._known if one is None or one), ())
        if first is not None and not self._over:
            self._end()

    def _fail(self, failure: Failure) -> Found:
        # Whatever was said is of no use; somebody else may know.
        if failure.check(*_USUAL):
            _log.debug("{reason}", reason=failure.getErrorMessage())
        else:
            _log.failure("A search went wrong", failure)
        return ()

    def _end(self) -> None:
        found = [one for several in self._known for one in several or ()]
        self._close()
        self.best.callback(found)

    def _close(self) -> None:
        self._over = True
        if self._late.active():
            self._late.cancel()
        for one in self._asked:
            one.cancel()
