"""
IDLE in one mailbox, over one connection: L{Idling}.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.python.failure import Failure

from imapsync.errors import ImapSyncError, MailboxError, Refused
from imapsync.imap.client import SyncClient
from imapsync.imap.wire.responses import Row
from imapsync.model import Mark, Name
from imapsync.plan.account import Account
from imapsync.uidset import UidSet

#: Not much longer may IDLE last until a server hangs up (RFC 2177), in seconds.
_LONGEST = 1200.0


class Idling:
    """
    Has a server tell what happens in a mailbox, until another command is sent.

    @param changed: called with a mailbox in which something has happened.
    @param now: tells the time, in seconds.
    @ivar name: where it does, if anywhere.
    """

    def __init__(
        self,
        client: SyncClient,
        changed: Callable[[Name], None],
        now: Callable[[], float],
    ) -> None:
        self.name: Name | None = None
        self._client = client
        self._changed = changed
        self._now = now
        self._since = 0.0
        self._found: Mark | None = None

    async def attend(self, name: Name, account: Account) -> None:
        """
        Do it from now on in C{name}.

        @param account: what the server listed last: if more has happened by now, that
            is told at once.
        """
        if name == self.name and self._now() - self._since < _LONGEST:
            return
        self.name, self._since = None, self._now()
        try:
            spelled = account.spelled(name)
            selected = await self._client.open(spelled, None, _Deaf(), writable=False)
        except (MailboxError, Refused):
            return
        listed = account.listed.get(name)
        seen = (listed and listed.mark, self._found)
        self._found = selected.mark
        if selected.mark not in seen:  # it changed after it was looked at
            self._changed(name)
            return
        self.name = name
        idling = self._client.idle(lambda: self._changed(name))
        idling.addBoth(self._ended)

    def _ended(self, result: object) -> None:
        self.name = None
        if isinstance(result, Failure):
            # The connection is gone, which others hear, too.
            result.trap(ImapSyncError)


class _Deaf:
    """
    Cares for no message:
    L{MailboxListener<imapsync.imap.commands.base.MailboxListener>}.
    """

    def rowsReceived(self, rows: list[Row]) -> None: ...

    def vanished(self, uids: UidSet, earlier: bool) -> None: ...

    def existsReceived(self, messages: int) -> None: ...

    def expungeReceived(self) -> None: ...

    def modseqReceived(self, modseq: int) -> None: ...
