"""
The SASL mechanisms that there are (RFC 4422), and what is known of each before any
server is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from imapsync.config.section import nearest, quoted
from imapsync.config.values import text

#: At the end of a mechanism's name: tied to the TLS connection (RFC 5801, 3).
PLUS = "-PLUS"


class Mechanism(NamedTuple):
    """
    What one does with a login.

    @ivar shows: whether who can read what is sent learns the password, or the token.
    @ivar authorises: whether it has an authorisation identity.
    @ivar asks: whether it needs a user name and a password or token.
    """

    shows: bool = False
    authorises: bool = False
    asks: bool = True


_SCRAM = Mechanism(authorises=True)

MECHANISMS: Mapping[str, Mechanism] = {
    "PLAIN": Mechanism(shows=True, authorises=True),
    "LOGIN": Mechanism(shows=True),
    "SCRAM-SHA-256": _SCRAM,
    "SCRAM-SHA-256-PLUS": _SCRAM,
    "SCRAM-SHA-1": _SCRAM,
    "SCRAM-SHA-1-PLUS": _SCRAM,
    "CRAM-MD5": Mechanism(),
    "EXTERNAL": Mechanism(authorises=True, asks=False),
    "OAUTHBEARER": Mechanism(shows=True, authorises=True),
    "XOAUTH2": Mechanism(shows=True, authorises=True),
}

#: Those that send a token.
BEARER = ("OAUTHBEARER", "XOAUTH2")

#: Those used where nobody says otherwise.
USUAL = ("PLAIN", "LOGIN")


def mechanisms(value: str) -> tuple[str, ...]:
    """
    Some of them, the preferred one first.
    """
    names = tuple(text(value).upper().split())
    for name in names:
        if name not in MECHANISMS:
            guess = nearest(name, MECHANISMS)
            hint = f"; did you mean {guess}?" if guess else ""
            raise ValueError(f"names an unknown mechanism {quoted(name)}{hint}")
    return names
