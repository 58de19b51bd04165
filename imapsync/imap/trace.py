"""
Looking on at what two programs say to each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from imapsync.imap.auth.redaction import redacted
from imapsync.imap.wire.text import printable

#: More of a line, in octets, helps nobody.
_MOST = 100_000


class Trace:
    """
    Tells somebody of each line, literals elided.

    @param name: of the server.
    """

    def __init__(self, name: str, tell: Callable[[str], None]) -> None:
        self._name = name
        self._tell = tell

    def received(self, line: bytes, secrets: Iterable[str] = ()) -> None:
        """
        The server said this.

        @param secrets: are left out.
        """
        text = redacted(line.decode("latin-1"), secrets).encode("latin-1")
        self._tell(f"{self._name} < {printable(text, _MOST)}")

    def sent(self, data: bytes) -> None:
        """
        We said this.
        """
        self._tell(f"{self._name} > {printable(data.strip(), _MOST)}")
