"""
One connection over which messages are handed over to a mailbox: L{Lane}.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IConsumer, IPushProducer
from zope.interface import implementer

from imapsync.errors import ImapSyncError, Lost
from imapsync.imap.client import SyncClient
from imapsync.imap.commands.append import BARE, Head, Words
from imapsync.imap.commands.mailbox import Selected
from imapsync.imap.wire.responses import Row
from imapsync.mailbox.batch import Batch, Message
from imapsync.mailbox.heads import Heads
from imapsync.mailbox.holds import Holds
from imapsync.model import Octets


class Destination(Protocol):
    """
    Where messages go: L{imapsync.mailbox.appending.Batches}.
    """

    into: Selected
    heads: Heads
    manner: int
    most: int
    careful: bool
    lessened: bool

    def enter(self, batch: Batch, messages: list[Message]) -> None:
        """
        These are in it now.
        """

    def commit(self, batch: Batch, lane: Lane) -> None:
        """
        It is complete.
        """

    def lost(self, lane: Lane, uids: list[int], error: ImapSyncError) -> None:
        """
        The connection of a lane was lost without which others go on.
        """


@implementer(IPushProducer)
class Lane:
    """
    Appends over the connection of C{target}.

    @param batches: see to what becomes of the messages.
    @param holds: hold the source while the transport is full, if that is to be.
    @param parted: called when the connection is lost, if others go on without it.
    @ivar suspects: the messages that the target had not answered for, and was to
        answer for next, when its connection was lost.
    @ivar refusing: what the last answer said if it was a refusal, else empty.
    @ivar doubted: the messages that it was about, if it is not known which of them
        was refused, or in which manner it would be taken.
    @ivar under: those under way, where they go over several connections.
    @ivar pending: how many batches are to be answered.
    @ivar error: set once it is lost, or given up, and others go on without it.
    """

    def __init__(
        self,
        target: SyncClient,
        batches: Destination,
        holds: Holds | None = None,
        parted: Callable[[Lane], None] | None = None,
    ) -> None:
        self.target = target
        self.parted = parted
        self._batches = batches
        self._holds = holds
        self._present: Batch | None = None
        self._writing: Message | None = None
        self._full = False
        self._room: Deferred[None] | None = None
        self.suspects: list[int] = []
        self.refusing = ""
        self.doubted: list[int] = []
        self.under: list[Message] = []
        self.pending = 0
        self.error: ImapSyncError | None = None

    def start(self) -> None:
        """
        Octets are to come.
        """
        cast(IConsumer, self.target.transport).registerProducer(self, True)

    def stop(self) -> None:
        """
        No more are.
        """
        cast(IConsumer, self.target.transport).unregisterProducer()

    def begin(self, message: Message) -> Deferred[None] | None:
        """
        Announce a message, whose octets come next.

        @return: as L{Appending.message} does.
        """
        self._writing = message
        asked: bool | None = False
        batches = self._batches
        if message.head is BARE:
            [message.head] = self._headsOf([message.row])
            present = self._present
            words = message.head.words
            if present is not None and present.messages and self._asks(words):
                # If it is refused, it is certain which it was, and that no more was
                # sent than was asked for.
                self._commit()
            asked = True if batches.careful or self._waits else None
        batch = self._present or self._open()
        batches.lessened = batches.lessened or message.lessened
        return batch.appending.message(message.head, message.octets, asked)

    def passing(self, rows: Sequence[Row], size: int) -> list[Head] | None:
        """
        What is in front of messages that need not wait for the server's leave;
        C{None} if one must.

        @param size: so many octets has the largest.
        """
        heads = self._headsOf(rows)
        words = frozenset[str]().union(*{head.words for head in heads})
        waits = self._asks(words) or self.target.features.asksLeave(size)
        return None if waits else heads

    @property
    def room(self) -> int:
        """
        So many messages go into the present APPEND, or the next.
        """
        present = self._present
        return self._batches.most if present is None else max(1, present.room)

    def narrow(self) -> None:
        """
        No more are to be in the present APPEND.
        """
        if self._writing is None:
            self._commit()
        elif self._present is not None:
            self._present.most = 1

    def take(self, messages: list[Message], octets: list[Octets]) -> None:
        """
        Messages that need not wait, with all of their octets; no more than there is
        room for.
        """
        batch = self._present or self._open()
        heads = [message.head for message in messages]
        batch.appending.whole(zip(heads, octets, strict=True))
        if any(one.lessened for one in messages):
            self._batches.lessened = True
        self._written(messages)

    def write(self, piece: Octets) -> None:
        """
        Octets of it.
        """
        if self._present is not None:
            self._present.appending.write(piece)

    def end(self, message: Message) -> None:
        """
        It was written in full.
        """
        self._writing = None
        self._written([message])

    def close(self) -> None:
        """
        Have the server commit what it was sent.
        """
        if self._writing is not None:
            self._enter([self._writing])
            self._giveUp()
        self._commit()

    def drop(self) -> None:
        """
        Give up an APPEND that is still being written; and where others go on without
        this connection, also those that are not answered: nobody will hear of them.
        """
        batch, self._present = self._present, None
        if batch is not None:
            batch.appending.done.addErrback(lambda _: None)
            self._giveUp()
        elif self.parted is not None and self.pending and self.error is None:
            self._giveUp()

    def fall(self, error: ImapSyncError) -> None:
        """
        The connection was lost while something was being written.
        """
        batch, self._present = self._present, None
        some = [] if batch is None else batch.messages
        if batch is not None:
            batch.appending.done.addErrback(lambda _: None)
        if self._writing is not None:
            some = [*some, self._writing]
            self._writing = None
        self._batches.lost(self, [message.row.uid for message in some], error)

    def _giveUp(self) -> None:
        """
        What is not complete must never be completed.
        """
        error = Lost(f"{self.target.name}: given up in an APPEND")
        if self.parted is not None:
            self.error = error
        self.target.abort(error)

    @property
    def _waits(self) -> bool:
        """
        Whether the next message begins an APPEND that cannot be sent yet: octets must
        not pile up before it.
        """
        return self._present is None and self.target.crowded

    def _asks(self, words: Words) -> bool:
        return self._batches.careful or self._waits or not self.target.knows(words)

    def _headsOf(self, rows: Sequence[Row]) -> list[Head]:
        """
        What is in front of messages in the present APPEND, or the next.
        """
        present = self._present
        manner = self._batches.manner if present is None else present.manner
        return self._batches.heads.of(rows, manner)

    def _open(self) -> Batch:
        batches = self._batches
        appending = self.target.beginAppend(batches.into.name)
        self._present = Batch(appending, batches.manner, batches.most)
        return self._present

    def _written(self, messages: list[Message]) -> None:
        self._enter(messages)
        if self._present is not None and self._present.full:
            self._commit()

    def _enter(self, messages: list[Message]) -> None:
        if self._present is not None:
            self._batches.enter(self._present, messages)

    def _commit(self) -> None:
        batch, self._present = self._present, None
        if batch is not None:
            self._batches.commit(batch, self)

    # Back-pressure

    async def emptied(self) -> None:
        """
        Wait until the transport takes more.
        """
        if self._full:
            self._room = Deferred()
            await self._room

    def pauseProducing(self) -> None:
        """
        The target's transport is full.
        """
        self._full = True
        if self._holds is not None:
            self._holds.add("full")

    def resumeProducing(self) -> None:
        """
        The target took what it was sent.
        """
        room, self._room = self._room, None
        self._full = False
        if self._holds is not None:
            self._holds.remove("full")
        if room is not None:
            room.callback(None)

    def stopProducing(self) -> None:
        """
        The target's connection is gone; its commands fail.
        """
        self._full = False
        if self._holds is not None:
            self._holds.forget("full")
        room, self._room = self._room, None
        if room is not None:
            # It fails as all does that is asked of it now.
            self.target.catchUp().addCallback(lambda _: None).chainDeferred(room)
