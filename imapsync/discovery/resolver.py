"""
Asking DNS for what is not an address.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.names import dns
from twisted.names.client import Resolver
from twisted.names.error import DomainError

from imapsync.discovery.records import Service
from imapsync.errors import Lost

_SETTINGS = "/etc/resolv.conf"

#: Seconds until a question is asked again, each time.
_PATIENCE = (1, 3, 5)

_PORT = 53


class Names:
    """
    The system's name servers, or others.

    @param servers: their addresses and ports.
    """

    def __init__(
        self, reactor: Any, servers: Sequence[tuple[str, int]] | None = None
    ) -> None:
        known = list(_configured() if servers is None else servers)
        known = known or [("127.0.0.1", _PORT)]
        self._resolver = Resolver(servers=known, timeout=_PATIENCE, reactor=reactor)

    async def services(self, name: str) -> Sequence[Service]:
        """
        SRV records.

        @raise Lost: if nobody can be asked.
        """
        found = await self._asked(self._resolver.lookupService, name, dns.Record_SRV)
        return [
            Service(one.priority, one.weight, one.port, _text(one.target.name))
            for one in found
        ]

    async def texts(self, name: str) -> Sequence[str]:
        """
        TXT records.

        @raise Lost: if nobody can be asked.
        """
        found = await self._asked(self._resolver.lookupText, name, dns.Record_TXT)
        return [_text(b"".join(one.data)) for one in found]

    async def exchanges(self, name: str) -> Sequence[str]:
        """
        A domain's mail exchanges, the preferred one first.

        @raise Lost: if nobody can be asked.
        """
        asked = self._resolver.lookupMailExchange
        found = await self._asked(asked, name, dns.Record_MX)
        return [
            _text(one.name.name).removesuffix(".").lower()
            for one in sorted(found, key=lambda one: one.preference)
        ]

    async def _asked(
        self, ask: Callable[[str], Deferred[Any]], name: str, kind: type[Any]
    ) -> list[Any]:
        """
        The records of this kind.
        """
        try:
            answers, _, _ = await ask(name)
        except CancelledError:
            raise
        except DomainError:
            return []
        except Exception as error:
            raise Lost(f"no answer by DNS: {error!r}") from error
        return [one.payload for one in answers if isinstance(one.payload, kind)]


def _configured() -> Iterator[tuple[str, int]]:
    """
    The name servers of resolv.conf(5).
    """
    try:
        lines = Path(_SETTINGS).read_text("utf-8", "replace").splitlines()
    except OSError:
        return
    for line in lines:
        word, *rest = line.split() or [""]
        # One that is good on a single network interface cannot be asked by these means.
        if word == "nameserver" and rest and "%" not in rest[0]:
            yield rest[0], _PORT


def _text(octets: bytes) -> str:
    return octets.decode("ascii", "replace")
