"""
Mozilla's autoconfig document, as providers and the ISP database publish it
(draft-ietf-mailmaint-autoconfig).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import NoReturn
from urllib.parse import quote
from xml.parsers import expat

from imapsync.config import values
from imapsync.discovery.address import Address
from imapsync.discovery.proposal import Proposal, named, username

#: Where anybody's domain may be known.
DATABASE = "https://autoconfig.thunderbird.net/v1.1/"

#: Elements within each other: more of them are no such document.
_DEEPEST = 20

_SERVER = ["clientConfig", "emailProvider", "incomingServer"]

# How it calls what we call by mechanisms; tokens come besides.
_MECHANISMS: Mapping[str, tuple[str, ...]] = {
    "password-cleartext": ("PLAIN", "LOGIN"),
    "plain": ("PLAIN", "LOGIN"),
    "password-encrypted": ("SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5"),
    "secure": ("SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5"),
    "TLS-client-cert": ("EXTERNAL",),
}

_TYPES = {"SSL": "imaps", "STARTTLS": "imap"}


def urls(address: Address) -> tuple[str, ...]:
    """
    Where a domain has its own document, in the order of preference.
    """
    domain = address.host
    asked = f"mail/config-v1.1.xml?emailaddress={quote(address.mail)}"
    return (
        f"https://autoconfig.{domain}/{asked}",
        f"https://{domain}/.well-known/autoconfig/{asked}",
    )


def read(
    document: bytes, address: Address, source: str, vouched: bool
) -> tuple[Proposal, ...]:
    """
    The IMAP servers in it that have TLS, those first that begin with it.

    @param source: see L{Proposal}.
    @param vouched: likewise.
    @raise ValueError: if it is no such document.
    """
    found = []
    for server in _Reader(document).servers:
        with suppress(ValueError):
            found.append(_proposal(server, address, source, vouched))
    return tuple(sorted(found, key=lambda one: one.type != "imaps"))


def _proposal(
    server: Mapping[str, list[str]], address: Address, source: str, vouched: bool
) -> Proposal:
    """
    @raise ValueError: if a part of it is missing or wrong, or it has no TLS.
    """
    one = {name: texts[0] for name, texts in server.items() if texts}
    kind = _TYPES.get(one.get("socketType", ""))
    if kind is None:
        raise ValueError("has no TLS")
    ways = server["authentication"]
    return Proposal(
        named(one.get("hostname", "")),
        values.port(one.get("port", "")),
        kind,
        username(one.get("username", "%EMAILADDRESS%"), address),
        source,
        vouched,
        _mechanisms(ways),
        "OAuth2" in ways,
    )


def _mechanisms(ways: list[str]) -> tuple[str, ...]:
    """
    Those that the document names, if they are not the usual ones.
    """
    known = [name for way in ways for name in _MECHANISMS.get(way, ())]
    return () if "PLAIN" in known else tuple(dict.fromkeys(known))


class _Reader:
    """
    Reads a document that anybody may have written.

    @ivar servers: of each that is for IMAP, the texts of its elements by their names.
    """

    def __init__(self, document: bytes) -> None:
        """
        @raise ValueError: if it is not well-formed, or declares anything.
        """
        self.servers: list[dict[str, list[str]]] = []
        self._path: list[str] = []
        self._texts: list[str] = []
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = _refuse
        parser.EntityDeclHandler = _refuse
        parser.StartElementHandler = self._begin
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._read
        try:
            parser.Parse(document, True)
        except (expat.ExpatError, LookupError) as error:
            raise ValueError(f"is not well-formed: {error}") from None

    def _begin(self, name: str, attributes: Mapping[str, str]) -> None:
        self._path.append(name)
        self._texts.clear()
        if len(self._path) > _DEEPEST:
            raise ValueError("is too deep")
        if self._path == _SERVER:
            imap = attributes.get("type") == "imap"
            # Those of others are read as well, and left to themselves.
            self._server: dict[str, list[str]] = {"authentication": []}
            self.servers += [self._server] if imap else []

    def _read(self, text: str) -> None:
        self._texts.append(text)

    def _end(self, name: str) -> None:
        if self._path == [*_SERVER, name]:
            self._server.setdefault(name, []).append("".join(self._texts).strip())
        self._path.pop()


def _refuse(*_: object) -> NoReturn:
    raise ValueError("declares a document type: there is no need of one")


def domains(exchange: str) -> Iterator[str]:
    """
    The domains that a mail exchange's provider may be known by.
    """
    labels = exchange.split(".")
    for count in (3, 2):
        if len(labels) > count:
            yield ".".join(labels[-count:])
