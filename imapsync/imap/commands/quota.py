"""
The commands that ask how much room there is, and how much is taken.
"""

from __future__ import annotations

from collections.abc import Mapping

from imapsync.imap.commands.account import Collected
from imapsync.imap.commands.base import Command
from imapsync.imap.wire.arguments import mailboxWord
from imapsync.imap.wire.responses import (
    Condition,
    Quota,
    QuotaRoots,
    Response,
    StatusResponse,
)
from imapsync.names import uniform


class QuotaCommand(Command[list[Quota]]):
    """
    GETQUOTAROOT (RFC 9208, 4.1.2): the quotas that a mailbox counts for.
    """

    hears = True
    concerns = frozenset(("QUOTA", "QUOTAROOT"))

    def __init__(self, mailbox: str) -> None:
        super().__init__("GETQUOTAROOT", mailboxWord(mailbox))
        self._mailbox = uniform(mailbox)
        self._roots: tuple[bytes, ...] = ()
        self.collected: Collected[Quota] = Collected("GETQUOTAROOT")

    def claim(self, response: Response) -> bool:
        if isinstance(response, QuotaRoots) and response.mailbox == self._mailbox:
            self._roots = response.roots
            return True
        if isinstance(response, Quota):
            name = response.root.decode("latin-1")
            self.collected.put(name, response, len(name) + 64 * len(response.limits))
            return True
        return False

    def result(self, condition: Condition) -> list[Quota]:
        # A server that names no roots means all that it told.
        told = self.collected.told.values()
        return [one for one in told if one.root in (self._roots or (one.root,))]


class SizesCommand(Command[Mapping[str, int]]):
    """
    How many octets are in each mailbox, by LIST-STATUS (RFC 5819) and STATUS=SIZE (RFC
    8438).
    """

    hears = True
    concerns = frozenset(("STATUS",))

    def __init__(self) -> None:
        words = (b'""', b'"*"', b"RETURN", b"(STATUS (SIZE))")
        super().__init__("LIST", *words)
        self.collected: Collected[int] = Collected("LIST")

    def claim(self, response: Response) -> bool:
        if isinstance(response, StatusResponse):
            told = response.items.get("SIZE", b"")
            if told.isdigit() and len(told) < 20:  # RFC 8438: it has 63 bits
                name = response.name
                self.collected.put(name, int(told), len(name))
            return "SIZE" in response.items
        return False

    def result(self, condition: Condition) -> Mapping[str, int]:
        return self.collected.told
