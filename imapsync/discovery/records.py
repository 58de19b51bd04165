"""
What DNS says of a domain's servers (RFC 6186, RFC 8314).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

from imapsync.discovery.address import Address
from imapsync.discovery.proposal import Proposal, isWithin, named

#: The service with TLS from its beginning, and the one with STARTTLS.
SERVICES = {"_imaps._tcp": "imaps", "_imap._tcp": "imap"}


class Service(NamedTuple):
    """
    A SRV record (RFC 2782).

    @ivar target: C{"."}, or empty, means that there is no such service.
    """

    priority: int
    weight: int
    port: int
    target: str


def proposals(
    service: str, records: Iterable[Service], address: Address
) -> Iterator[Proposal]:
    """
    The servers that are behind a domain's service, the preferred one first.

    @param service: a name of L{SERVICES}.
    """
    for one in sorted(records, key=lambda one: (one.priority, -one.weight)):
        with suppress(ValueError):
            host = named(one.target)
            yield Proposal(
                host,
                one.port,
                SERVICES[service],
                address.mail,
                f"by DNS, {service}.{address.host}",
                isWithin(host, address.host),
            )
