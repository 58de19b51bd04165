"""
The commands that ask how much room there is, and how much is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

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

#: So many quotas, and so many limits of each, are more than a mailbox counts for.
MOST = 30


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
        self._told: dict[bytes, Quota] = {}

    def claim(self, response: Response) -> bool:
        if isinstance(response, QuotaRoots) and response.mailbox == self._mailbox:
            self._roots = response.roots
            return True
        if isinstance(response, Quota):
            self._keep(response)
            return True
        return False

    def result(self, condition: Condition) -> list[Quota]:
        # A server that names no roots means all that it told.
        told = self._told.values()
        return [one for one in told if one.root in (self._roots or (one.root,))]

    def _keep(self, quota: Quota) -> None:
        if self._roots and quota.root not in self._roots:
            return
        if quota.root in self._told or len(self._told) < MOST:
            limits = dict(islice(quota.limits.items(), MOST))
            self._told[quota.root] = Quota(quota.root, limits)


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
