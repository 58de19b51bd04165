"""
Hearing of changes: from a server that tells them of any mailbox, or at least
of one.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from imapsync.accounts.history import History
from imapsync.errors import ImapSyncError, MailboxError, Refused
from imapsync.gather import together
from imapsync.imap.client import SyncClient
from imapsync.imap.wire.responses import Row
from imapsync.mailbox.changes import Reading
from imapsync.mailbox.context import Clients
from imapsync.mailbox.report import Report
from imapsync.model import Listed, Mark, Name, Side, Status
from imapsync.names import INBOX
from imapsync.state.interface import State
from imapsync.uidset import UidSet

#: After so many overflows on one connection, it is not to be relied on.
_OVERFLOWS = 3

#: So many of the latest changes say which mailbox is the busiest.
_LATEST = 20


class Ear:
    """
    Hears what one server tells unasked:
    L{AccountListener<imapsync.imap.commands.notify.AccountListener>}.

    @param news: called with the mailbox that has changed, or C{None} where
        it may be any.
    @ivar pushed: whether the server tells of all mailboxes (NOTIFY).
    """

    def __init__(
        self,
        side: Side,
        client: SyncClient,
        history: History,
        state: State,
        news: Callable[[Name | None], None],
    ) -> None:
        self._side = side
        self._client = client
        self._history = history
        self._state = state
        self._news = news
        self._latest: deque[Name] = deque(maxlen=_LATEST)
        self._found: Mark | None = None
        self._heard = _Heard()
        self._asked = False
        self._overflows = 0
        self.pushed = False

    async def listen(self) -> None:
        """
        Have the server tell of changes in all mailboxes, if it can and does
        not yet do so.
        """
        if self._asked:
            return
        self._asked = self.pushed = True
        try:
            await self._client.notify(self)
        except Refused:
            self.pushed = False

    async def attend(self) -> None:
        """
        Have it tell at least of one, until another command is sent.
        """
        if self.pushed or "IDLE" not in self._client.features:
            return
        name = busiest(self._latest, self._history.scope)
        account = self._history.accounts[self._side]
        heard, self._heard = self._heard, _Heard(name)
        try:
            spelled = account.spelled(name)
            hidden = await self._hides(heard, name, spelled)
            listener = self._heard
            selected = await self._client.open(spelled, None, listener, writable=False)
        except (MailboxError, Refused):
            return
        listed = account.listed.get(name)
        seen = (listed and listed.mark, self._found)
        self._found = selected.mark
        if selected.mark not in seen:  # it changed after it was looked at
            self._changed(name)
            return
        if hidden:
            self._client.fall("flags change, and its HIGHESTMODSEQ does not")
            self._history.doubted.add(name)
            self._news(name)
            return
        idling = self._client.idle(lambda: self._changed(name))
        idling.addErrback(_passOver)

    async def _hides(self, heard: _Heard, name: Name, spelled: str) -> bool:
        """
        Whether flags of messages have changed, though the mod-sequence is what it was
        when all was dealt with.  That is looked into if the server has told of flags.
        """
        known, client = self._state.mailbox(name), self._client
        if not heard.stirred or heard.name != name or known is None or known.retries:
            return False
        mark = known.marks.get(self._side)
        if client.resyncs or not client.counts or mark is None or mark != self._found:
            return False
        reading = Reading(self._state, known.id, self._side, mark)
        reading.listAll()
        selected = await client.glance(spelled, 1, reading)
        return selected.mark == mark and bool(reading.take().flags)

    def statusReceived(self, spelled: str, status: Status) -> None:
        """
        Something may have changed in a mailbox.
        """
        name = self._history.shared(self._side, spelled)
        if name is not None:
            known = self._state.mailbox(name)
            if self._history.isStatusNews(self._side, name, status, known):
                self._changed(name)

    def listReceived(self, listed: Listed, oldName: str) -> None:
        """
        Something may have become of a mailbox as a whole.
        """
        if self._history.isListNews(self._side, listed, oldName):
            self._news(None)

    def overflowed(self) -> None:
        """
        The server tells nothing any more, and what it left out is unknown.
        """
        self.pushed = False
        self._overflows += 1
        self._asked = self._overflows >= _OVERFLOWS
        self._news(None)

    def looked(self, names: Iterable[Name]) -> None:
        """
        A look has shown that these mailboxes changed.
        """
        self._latest.extend(names)

    def _changed(self, name: Name) -> None:
        known = self._state.mailbox(name)
        if known is not None and known.compared:
            # STATUS may tell the same as before.
            self._history.doubted.add(name)
        self._news(name)


class Ears:
    """
    One for each server.

    @param watch: how often, in seconds, one that does not push is asked.
    """

    def __init__(self, log: Logger, watch: float) -> None:
        self._log = log
        self._watch = watch
        self._ears: dict[Side, Ear] = {}
        self._names: dict[Side, str] = {}
        self._noticed: set[Side] = set()

    @property
    def pushed(self) -> bool:
        """
        Whether both tell of all mailboxes.
        """
        return all(ear.pushed for ear in self._ears.values())

    def connected(
        self,
        clients: Clients,
        history: History,
        state: State,
        news: Callable[[Name | None], None],
    ) -> None:
        """
        These are the servers from now on.

        @param news: see L{Ear}.
        """
        self._ears = {
            side: Ear(side, client, history, state, news)
            for side, client in clients.items()
        }
        self._names = {side: client.name for side, client in clients.items()}

    async def listen(self) -> None:
        """
        Have both tell of changes, and say once which of them cannot.
        """
        await together(Deferred.fromCoroutine(e.listen()) for e in self._ears.values())
        for side, ear in self._ears.items():
            if not ear.pushed and side not in self._noticed:
                self._noticed.add(side)
                self._log.info(
                    "{name}: does not push changes in all mailboxes (NOTIFY); it is"
                    " asked every {seconds:g} s.",
                    name=self._names[side],
                    seconds=self._watch,
                )

    async def attend(self) -> None:
        """
        Have both tell at least of one mailbox, until another command is sent.
        """
        await together(Deferred.fromCoroutine(e.attend()) for e in self._ears.values())

    def looked(self, report: Report) -> None:
        """
        A look has shown what changed.
        """
        for side, ear in self._ears.items():
            ear.looked(report.carried(side))


def busiest(latest: Iterable[Name], scope: Collection[Name]) -> Name:
    """
    The mailbox in which most of the latest changes were; INBOX, if no other
    has more.
    """
    counts = Counter(latest)
    return max(scope, key=lambda name: (counts[name], name == INBOX), default=INBOX)


class _Heard:
    """
    What was told of the messages of the mailbox C{name}:
    L{MailboxListener<imapsync.imap.commands.base.MailboxListener>}.

    @ivar stirred: whether any flags were.
    """

    def __init__(self, name: Name = "") -> None:
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


def _passOver(failure: Failure) -> None:
    failure.trap(ImapSyncError)  # the connection is gone, which others hear, too
