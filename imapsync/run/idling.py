"""
IDLE in one mailbox, over one connection: L{Idling}.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from twisted.python.failure import Failure

from imapsync.errors import ImapSyncError, StateError
from imapsync.imap.client import SyncClient
from imapsync.imap.sight import Target
from imapsync.imap.wire.responses import Row
from imapsync.mailbox.changes import Reading
from imapsync.model import Changes, Known, Mark, Name, Side, Status
from imapsync.plan.account import Account
from imapsync.state.interface import State
from imapsync.uidset import UidSet

#: An IDLE that lasts longer, in seconds, is not left as it is when it is looked: by
#: the next look, a quarter of an hour later, a server might hang up (RFC 2177).
_LONGEST = 800.0


class Watched(NamedTuple):
    """
    The account of which mailboxes are.

    @ivar client: over which they are worked on.
    @ivar window: the flags of so many of the newest messages are looked at, where a
        server does not tell what has changed.
    @ivar doubted: takes mailboxes that are to be looked into, whatever STATUS tells.
    @ivar now: tells the time, in seconds.
    """

    side: Side
    client: SyncClient
    state: State
    window: int
    doubted: set[Name]
    now: Callable[[], float]


class Idling:
    """
    Has a server tell what happens in a mailbox, until another command is sent.

    @param changed: is told of a mailbox in which something has happened.
    @ivar name: where it does, if anywhere.
    """

    def __init__(
        self, client: SyncClient, watched: Watched, changed: Callable[[Name], None]
    ) -> None:
        self.name: Name | None = None
        self._client = client
        self._watched = watched
        self._changed = changed
        self._since = 0.0
        self._found = Status()
        self._left = Changes()
        self._heard = _Heard("")

    async def attend(self, name: Name, account: Account) -> bool:
        """
        Do it from now on in C{name}.

        @param account: what the server listed last.
        @return: whether more has happened by now: then it is to be looked first.
        """
        now = self._watched.now()
        lasts = name == self.name and now - self._since < _LONGEST
        if lasts and not (self._mayHide and self._heard.stirred):
            return False
        self.name, self._since = None, now
        try:
            if await self._isNews(name, account):
                return True
        except StateError:
            raise
        except ImapSyncError:
            # If the connection is gone, others hear that, too.
            return False
        self.name = name
        idling = self._client.idle(lambda: self._changed(name))
        idling.addBoth(self._ended)
        return False

    async def _isNews(self, name: Name, account: Account) -> bool:
        """
        Select a mailbox.

        @return: whether it has changed after it was looked at; not what a look has left
            as it was.
        """
        spelled, listed = account.spelled(name), account.listed.get(name)
        side, _, state, window, *_ = self._watched
        known, left = state.mailbox(name), self._left
        mark = known.marks.get(side) if known else None
        if known is None or mark is None or mark.modseq:
            hidden = known is not None and await self._hides(known, mark, spelled)
            heard = self._heard = _Heard(name)
            selected = await self._client.open(spelled, None, heard, writable=False)
            messages = selected.exists
        else:
            hidden, reading = False, Reading(state, known.id, side, mark)
            first = state.newest(known.id, side, window)
            sight = self._client.sight(Target(spelled, first=first), reading)
            selected = await self._client.glance(sight)
            self._left = reading.take()
            messages = reading.exists or 0
        told = (listed and listed.status) or Status()
        uidvalidity, uidnext, modseq = selected.mark
        # Not every server tells UIDNEXT when it selects.
        now = Status(messages, uidnext or told.uidnext, uidvalidity, modseq)
        before, self._found = self._found, now
        if now not in (before, told._replace(unseen=0)):
            return True
        if self._left and self._left != left:
            return True
        if hidden:
            self._watched.client.fall("flags change, and its HIGHESTMODSEQ does not")
            self._watched.doubted.add(name)
        return hidden

    @property
    def _mayHide(self) -> bool:
        """
        Whether the mod-sequence is all that shows which flags have changed.
        """
        client = self._watched.client
        return client.counts and not client.resyncs

    async def _hides(self, known: Known, mark: Mark | None, spelled: str) -> bool:
        """
        Whether flags of messages have changed, though the mod-sequence is what it was
        when all was dealt with.  That is looked into if the server has told of flags.
        """
        heard, client = self._heard, self._client
        if not heard.stirred or heard.name != known.name or known.retries:
            return False
        _, uidnext, uidvalidity, modseq, _ = self._found
        if not self._mayHide or mark != (uidvalidity, uidnext, modseq):
            return False
        reading = Reading(self._watched.state, known.id, self._watched.side, mark)
        reading.listAll()
        selected = await client.glance(client.sight(Target(spelled), reading))
        return selected.mark == mark and bool(reading.take().flags)

    def _ended(self, result: object) -> None:
        self.name = None
        if isinstance(result, Failure):
            # The connection is gone, which others hear, too.
            result.trap(ImapSyncError)


class _Heard:
    """
    What was told of the messages of the mailbox C{name}:
    L{MailboxListener<imapsync.imap.commands.base.MailboxListener>}.

    @ivar stirred: whether any flags were.
    """

    def __init__(self, name: Name) -> None:
        self.name = name
        self.stirred = False

    def rowsReceived(self, rows: list[Row]) -> None:
        """
        Some are.
        """
        self.stirred = True

    def vanished(self, uids: UidSet, earlier: bool) -> None: ...

    def existsReceived(self, messages: int) -> None: ...

    def expungeReceived(self) -> None: ...

    def modseqReceived(self, modseq: int) -> None: ...
