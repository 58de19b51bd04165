"""
Secrets that a server repeats.
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Iterable

#: What is shorter stands in every text, and nobody knows by it what was left out.
_SHORTEST = 4

_INSTEAD = "(not shown)"


def forms(password: str, *sent: bytes) -> tuple[str, ...]:
    """
    How a password looks on its way, longest first.

    @param sent: what it is sent in.
    """
    if not password:
        return ()
    raw = password.encode()
    told = [one for one in (raw, *sent) if len(one) >= _SHORTEST]
    several = {b2a_base64(one, newline=False).decode() for one in told}
    if len(password) >= _SHORTEST:
        # As it may be quoted, too.
        several |= {password, raw.decode("latin-1"), repr(raw)[2:-1]}
    return tuple(sorted(several, key=len, reverse=True))


def redacted(text: str, secrets: Iterable[str]) -> str:
    """
    The same text without these.
    """
    for secret in secrets:
        text = text.replace(secret, _INSTEAD)
    return text
