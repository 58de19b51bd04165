"""
A server that may be the one.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from imapsync.config.section import isFit
from imapsync.config.tls import dnsName
from imapsync.discovery.address import Address

#: Characters: who wants longer names of users does not mean well.
_LONGEST = 320

_PLACEHOLDER = re.compile("%(EMAILADDRESS|EMAILLOCALPART|EMAILDOMAIN)%")


class Proposal(NamedTuple):
    """
    Where a mail account may be, always with TLS.

    @ivar host: as DNS has it.
    @ivar type: C{"imaps"}; or C{"imap"}, which is for STARTTLS.
    @ivar username: of the account.
    @ivar source: who says so, for people.
    @ivar vouched: whether that is sure: told by TLS, or a name within the domain; not
        by DNS alone, which anybody on the way may have changed.
    @ivar auth: mechanisms; none if there is nothing special about them.
    @ivar oauth2: whether it takes tokens.
    """

    host: str
    port: int
    type: str
    username: str
    source: str
    vouched: bool
    auth: tuple[str, ...] = ()
    oauth2: bool = False

    @property
    def where(self) -> str:
        """
        The server, for people.
        """
        how = "TLS" if self.type == "imaps" else "STARTTLS"
        return f"{self.host}, port {self.port}, {how}"


def named(text: str) -> str:
    """
    A host's name that somebody else tells.

    @raise ValueError: if it is none.
    """
    return dnsName(text.strip())


def username(pattern: str, address: Address) -> str:
    """
    The name of C{address}'s user as a provider writes it, with placeholders.

    @raise ValueError: if it is none.
    """
    values = {
        "EMAILADDRESS": address.mail,
        "EMAILLOCALPART": address.user,
        "EMAILDOMAIN": address.host,
    }
    name = _PLACEHOLDER.sub(lambda found: values[found[1]], pattern.strip())
    if not name or not isFit(name) or len(name) > _LONGEST:
        raise ValueError("is no name of a user")
    return name


def isWithin(host: str, domain: str) -> bool:
    """
    Whether a host belongs to a domain, both as DNS has them.
    """
    return f".{host}".endswith(f".{domain}")
