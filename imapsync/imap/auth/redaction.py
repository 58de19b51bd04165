"""
Secrets that a server repeats.
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Iterable

#: What is shorter stands in every text, and nobody knows by it what was left out.
_SHORTEST = 4

_INSTEAD = "(not shown)"


def forms(username: str, password: str) -> tuple[str, ...]:
    """
    How a password looks on its way, longest first.
    """
    plain = f"\0{username}\0{password}".encode()
    raw = password.encode()
    coded = (b2a_base64(one, newline=False).decode() for one in (plain, raw))
    told = (password, raw.decode("latin-1"), repr(raw)[2:-1])  # as it may be quoted
    several = {one for one in (*coded, *told) if len(password) >= _SHORTEST}
    return tuple(sorted(several, key=len, reverse=True))


def redacted(text: str, secrets: Iterable[str]) -> str:
    """
    The same text without these.
    """
    for secret in secrets:
        text = text.replace(secret, _INSTEAD)
    return text
