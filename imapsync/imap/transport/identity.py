"""
Whether a certificate is for the host that we want to talk to (RFC 9525).

Each name in a certificate is judged by itself: one that breaks the rules is for
nobody, and says nothing about the others.  The subject does not count, whatever
its common name is.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence

from imapsync.config.tls import dnsName
from imapsync.imap.transport.certificate import Certificate, Host
from imapsync.imap.wire.text import printable

#: So many of a certificate's names are told, and so many octets of each.
_MOST, _LONGEST = 10, 100

#: A name as certificates may have it.  A wildcard is a whole label, the first (RFC
#: 9525, 6.3), and never stands for all that is below one label.
_NAME = re.compile(rb"(\*\.(?=.*[^.]\.[^.]))?[\w-]+(\.[\w-]+)*\.?")


def identify(host: str) -> Host:
    """
    What a certificate must be for, given what the user calls the server.

    @raise ValueError: if it is neither a name nor an address.
    """
    try:
        # Without its zone: that is about our side of the wire.
        return Host(True, ipaddress.ip_address(host).packed)
    except ValueError:
        return Host(False, dnsName(host).encode())


def isFor(certificate: Certificate, wanted: Host) -> bool:
    """
    Whether C{certificate} is for this host.
    """
    return any(_covers(each, wanted) for each in certificate.hosts)


def _covers(entry: Host, wanted: Host) -> bool:
    if entry.isAddress or wanted.isAddress:
        return entry == wanted
    name = entry.octets.lower().removesuffix(b".")
    _, _, parent = wanted.octets.partition(b".")
    return name == wanted.octets or (b"." in parent and name == b"*." + parent)


def spelled(host: Host) -> str:
    """
    A host from a certificate, or what stands there instead.
    """
    if not host.isAddress:
        name = printable(host.octets, _LONGEST)
        return name if _isName(host.octets) else f"{name} (which is no valid name)"
    try:
        return str(ipaddress.ip_address(host.octets))
    except ValueError:
        octets = host.octets[:_LONGEST].hex()
        return f"{octets} (which is no address)"


def _isName(octets: bytes) -> bool:
    try:
        ipaddress.ip_address(octets.decode("ascii"))
    except ValueError:
        return _NAME.fullmatch(octets) is not None
    return False


def listed(hosts: Sequence[Host]) -> str:
    """
    Those that a certificate is for.
    """
    names = ", ".join(map(spelled, hosts[:_MOST]))
    more = len(hosts) - _MOST
    return f"{names} and {more} more" if more > 0 else names
