"""
What a person types to say whose mail it is, or where.
"""

from __future__ import annotations

import ipaddress
import re
from contextlib import suppress
from typing import NamedTuple

from imapsync.config import values
from imapsync.config.section import isFit, quoted
from imapsync.config.tls import dnsName

#: A place: its host, and its port, if there is one.
_PLACE = re.compile(r"(\[[^\[\]]*\]|[^:]*)(?::([^:]*))?")

#: The port of IMAP that begins without TLS.
_PLAIN = 143

#: Characters: more of them are no address (RFC 5321, 4.5.3.1).
_LONGEST = 320


class Address(NamedTuple):
    """
    A mail address, or a server.

    @ivar user: what stands before the last C{@}; may be empty for a server.
    @ivar host: a mail domain as DNS has it; or a server, as C{host} in a
        configuration.
    @ivar port: 0 if it is not said.
    @ivar isServer: whether C{host} is a server by itself.
    """

    user: str
    host: str
    port: int = 0
    isServer: bool = False

    @property
    def mail(self) -> str:
        """
        The mail address.
        """
        return f"{self.user}@{self.host}"

    @property
    def type(self) -> str:
        """
        Which C{type} of configuration a server's port is for.
        """
        return "imap" if self.port == _PLAIN else "imaps"


def read(text: str) -> Address:
    """
    Understand C{ME@DOMAIN}, C{HOST}, C{HOST:PORT} or C{ME@HOST:PORT}; an address of
    IPv6 may have brackets.

    @raise ValueError: with a predicate, if it is none of them.
    """
    typed = text.strip()
    user, at, place = typed.rpartition("@")
    if len(typed) > _LONGEST or not isFit(typed) or (at and not user.strip()):
        raise _wrong(typed)
    host, port = _place(place)
    bare = host.removeprefix("[").removesuffix("]")
    isServer = not user or bool(port) or "." not in host
    with suppress(ValueError):
        ipaddress.ip_address(bare.partition("%")[0])
        isServer = True
    try:
        named = values.host(host) if isServer else dnsName(host)
    except ValueError:
        raise _wrong(typed) from None
    return Address(user.strip(), named, port, isServer)


def _place(place: str) -> tuple[str, int]:
    """
    @raise ValueError: if the port is none.
    """
    match = _PLACE.fullmatch(place)
    if match is None:  # perhaps an address of IPv6
        return place, 0
    host, port = match.groups()
    return host, 0 if port is None else values.port(port)


def _wrong(typed: str) -> ValueError:
    return ValueError(
        "must be a mail address, or a server's name such as imap.example.org or"
        f" me@imap.example.org:993, not {quoted(typed)}"
    )
