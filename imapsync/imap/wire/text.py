"""
What others say, made fit for people: for one line of a log, an error or a
terminal.
"""

from __future__ import annotations

from imapsync.display import octets


def printable(raw: bytes, most: int = 400) -> str:
    """
    What a server says to people, fit for one line of a log.

    @param most: so many octets are enough.
    """
    return octets(raw, most)


def excerpt(data: bytes) -> str:
    """
    The first octets of C{data}, fit for one line of a log or an error.
    """
    return repr(data[:80])[1:] + ("..." if len(data) > 80 else "")
