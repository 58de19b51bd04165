"""
Which mailbox is selected on a connection, and how far it is told what has changed
there: L{Selector}.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from twisted.internet.defer import Deferred

from imapsync.errors import Refused
from imapsync.imap import resuming
from imapsync.imap.commands.base import Command
from imapsync.imap.commands.limited import ALL, Limited
from imapsync.imap.commands.mailbox import (
    Enter,
    Leave,
    MailboxListener,
    Reselect,
    Select,
    Selected,
)
from imapsync.imap.commands.messages import Fetch
from imapsync.imap.connection import Connection
from imapsync.imap.features import COMPARING, CONDSTORE
from imapsync.imap.portions import inPortions
from imapsync.imap.sight import Sight, Target
from imapsync.imap.wire.arguments import mailboxWord
from imapsync.model import Mark
from imapsync.uidset import UidSet

T = TypeVar("T")


class Selector(Connection):
    """
    A connection over which one mailbox after another is selected.

    @ivar resyncs: whether QRESYNC is enabled: else see L{imapsync.imap.resuming}.
    @ivar tacit: whether SELECT was seen to tell no UIDNEXT.
    """

    resyncs = True
    tacit = False
    _entering = 0  # mailboxes that are to be selected
    _most: int | None = None  # messages at a time, as has turned out

    def perform(self, command: Command[T]) -> Deferred[T]:
        """
        Send a command as soon as those before it allow.
        """
        done = super().perform(command)
        if isinstance(command, Select):
            self._entering += 1
            done.addBoth(self._entered)
        return done

    def _entered(self, result: T) -> T:
        self._entering -= 1
        return result

    @property
    def _occupied(self) -> bool:
        """
        Whether a mailbox is selected, or is going to be.
        """
        return self._dispatcher.selected is not None or self._entering > 0

    @property
    def counts(self) -> bool:
        """
        Whether the server tells mod-sequences (RFC 7162, 3.1).
        """
        tells = CONDSTORE in self.features and self.way != COMPARING
        return self.resyncs or tells

    def fall(self, why: str) -> None:
        """
        It does not keep what it says it can: ask for no mod-sequences any more.
        """
        if self.way != COMPARING:
            self.way = COMPARING
            self.log.warn(
                "{name}: has CONDSTORE, and does not keep it: {why}; all messages are"
                " compared instead.",
                name=self.name,
                why=why,
            )

    def listsAll(self, mark: Mark | None) -> bool:
        """
        Whether the flags of all messages are told when a mailbox is opened.

        @param mark: up to which nothing is to be told.
        """
        if self.resyncs or mark is None:
            return False
        return not (self.counts and mark.modseq)

    def open(
        self, name: str, mark: Mark | None, listener: MailboxListener, writable: bool
    ) -> Deferred[Selected]:
        """
        Select a mailbox, asking for what changed since C{mark}; C{listener}
        hears it, and all that comes later.
        """
        kind = Select if self.resyncs else Enter
        return self._select(kind, name, mark, listener, writable)

    def enter(
        self, name: str, mark: Mark | None, listener: MailboxListener, writable: bool
    ) -> Deferred[Selected]:
        """
        Select a mailbox; what is to be done there may be sent before this is answered.
        """
        return self._select(Enter, name, mark, listener, writable)

    def reopen(
        self, name: str, mark: Mark | None, listener: MailboxListener, writable: bool
    ) -> Deferred[Selected]:
        """
        Select the present mailbox once more, behind what was appended to it; another
        one may be opened at once.
        """
        return self._select(Reselect, name, mark, listener, writable)

    def _select(
        self,
        kind: type[Select],
        name: str,
        mark: Mark | None,
        listener: MailboxListener,
        writable: bool,
    ) -> Deferred[Selected]:
        def make() -> Select:
            return kind(name, mark, listener, writable, self.resyncs, self.counts)

        if self.resyncs:
            return self.perform(make())
        return Deferred.fromCoroutine(resuming.selected(self, make, self._occupied))

    def glance(self, sight: Sight) -> Deferred[Selected]:
        """
        Look at a mailbox.  It is only examined, as the one before must have been, and
        the next one can be before this is answered.
        """
        return Deferred.fromCoroutine(resuming.glanced(self, sight, self._occupied))

    def sight(self, target: Target, listener: MailboxListener | None = None) -> Sight:
        """
        What that is done with.

        @param listener: hears what is told.
        """
        return Sight(target, self.resyncs, self.counts, listener)

    @property
    def tellsPlaces(self) -> bool:
        """
        Whether it can be searched for where each flag is, whatever flags there are.
        """
        knows = self.host.namesKeywords and "ESEARCH" in self.features
        return knows and self.features.messageLimit is None

    def unselect(self) -> Deferred[None]:
        """
        Leave the selected mailbox, if any, without expunging what is marked
        C{\\Deleted}; its listener hears no more.

        Not while one is being selected.
        """
        return Deferred.fromCoroutine(self._unselect())

    async def _unselect(self) -> None:
        select = self._dispatcher.selected
        if select is None:
            return
        if "UNSELECT" in self.features:
            await self.perform(Leave("UNSELECT"))
            return
        if select.writable:
            try:
                await self.perform(Leave("EXAMINE", mailboxWord(select.mailbox)))
            except Refused:
                return
        with suppress(Refused):  # some have nothing to close then
            await self.perform(Leave("CLOSE"))

    def reportFlags(
        self, uids: UidSet | None, items: str = "(FLAGS)"
    ) -> Deferred[object]:
        """
        Have the listener told the flags of C{uids}, or of all messages.
        """
        asked = ALL if uids is None else uids
        return self._all(asked, lambda text: Fetch(text, items))

    def _all(
        self,
        uids: UidSet,
        make: Callable[[str], Limited[Any]],
        most: int | None = None,
    ) -> Deferred[Any]:
        """
        Perform as many commands about C{uids} as it takes.
        """
        limits = most, self.features.messageLimit, self._most
        most = min(filter(None, limits), default=None)
        return Deferred.fromCoroutine(
            inPortions(self.perform, uids, make, self._learn, most, self.host.octets)
        )

    def _learn(self, most: int) -> None:
        self._most = min(most, self._most or most)
