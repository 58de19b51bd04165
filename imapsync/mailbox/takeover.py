"""
Taking over the pairs of one mailbox from the database of another program:
L{Takeover}.

The flags that both sides last agreed on are not in it: the servers are asked for the
flags and the mod-sequence of each message, which tell what they must have been; where a
side has none, any of its messages may have changed.  What
has happened since, the next sync finds, as if the other program had been this one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from imapsync.content.digest import instant
from imapsync.errors import MailboxError, Refused
from imapsync.gather import onBoth
from imapsync.imap.commands.mailbox import Heard, Selected
from imapsync.imap.wire.responses import Row
from imapsync.mailbox.context import Context
from imapsync.mailbox.fetching import Source
from imapsync.mailbox.pairing import keyed
from imapsync.mailbox.suspects import Place
from imapsync.model import Known, Mark, Name, Pair, Side
from imapsync.plan import takeover as plan
from imapsync.plan.takeover import Adopted, Evidence, Seen
from imapsync.uidset import MAXIMUM, UidSet, UidSetBuilder

#: Pairs of a mailbox, some at a time: the local UID and the remote one.
Pairs = Iterable[list[tuple[int, int]]]

#: Where no mailbox is: one that has less, or another UIDVALIDITY, has other UIDs.
NOWHERE = Mark(MAXIMUM, MAXIMUM, 0)

#: What is asked of messages; with the first, where there are mod-sequences.
_ITEMS = {True: "(FLAGS MODSEQ INTERNALDATE RFC822.SIZE)"}
_ITEMS[False] = "(FLAGS INTERNALDATE RFC822.SIZE)"


class Unproven(MailboxError):
    """
    It may be another mailbox, of other accounts: only what is known of the rest of them
    can tell.
    """


class Takeover:
    """
    Of one mailbox, which both sides have.

    @param marks: where the other program ended.
    @param sure: whether these are known to be the accounts that it was about.
    @ivar evidence: once it was L{run}, whether they are.
    """

    _known: Known

    def __init__(
        self, name: Name, context: Context, marks: Mapping[Side, Mark], sure: bool
    ) -> None:
        self._name = name
        self._context = context
        self._state = context.state
        self._marks = marks
        self._sure = sure
        self.evidence = Evidence()
        self._sources: Mapping[Side, Source] = {}
        self._items: Mapping[Side, str] = {}
        self._hidden = False

    async def run(self, subscribed: bool, pairs: Pairs) -> int:
        """
        Do it.

        @return: how many pairs were taken over.
        @raise Unproven: nothing was, since it may be another mailbox.
        @raise MailboxError: nothing was, since that could not be relied on.
        """
        try:
            self._begin(await onBoth(self._select), subscribed)
            taken = 0
            for some in pairs:
                taken += await self._take(some)
            self._judge()
        except Refused as error:
            self._undo()
            raise MailboxError(str(error), responseCode=error.responseCode) from error
        except BaseException:  # it is begun anew, or not at all
            self._undo()
            raise
        with self._state.transaction():
            for side, mark in self._marks.items():
                start = plan.start(mark, self._hidden)
                self._state.setMark(self._known.id, side, start)
        return taken

    async def _select(self, side: Side) -> Selected:
        client, name = self._context.clients[side], self._context.names[side]
        selected = await client.open(name, None, Heard(), writable=False)
        if not selected.persistent:
            raise MailboxError("its UIDs do not last (UIDNOTSTICKY)", side)
        if why := plan.doubt(self._marks[side], selected.mark):
            raise MailboxError(why, side)
        return selected

    def _begin(self, selected: Mapping[Side, Selected], subscribed: bool) -> None:
        """
        Begin to know it, with L{marks<NOWHERE>} that are not its own: if this ends
        before it is judged, the next sync does not believe its pairs.
        """
        with self._state.transaction():
            self._known = self._state.addMailbox(self._name, subscribed)
            for side, one in selected.items():
                self._state.setMark(self._known.id, side, NOWHERE)
                self._state.setIdentity(self._known.id, side, one.identity)
        self._items = {side: _ITEMS[one.tracked] for side, one in selected.items()}
        suspects = self._context.records.suspects
        self._sources = {
            side: Source(
                self._context.clients[side],
                suspects,
                Place(self._known.id, side, one.mark.uidvalidity),
            )
            for side, one in selected.items()
        }

    def _judge(self) -> None:
        if self.evidence.refutes:
            raise MailboxError("its messages are others than those that were paired")
        if self.evidence.isMissing and not self._sure:
            raise Unproven("nothing says that it is the mailbox that was known")

    def _undo(self) -> None:
        known = self._state.mailbox(self._name)
        if known is not None:
            with self._state.transaction():
                self._state.removeMailbox(known.id)

    async def _take(self, pairs: list[tuple[int, int]]) -> int:
        uids = {
            side: UidSet.of(some)
            for side, some in zip(Side, zip(*pairs, strict=True), strict=True)
        }
        seen = await onBoth(lambda side: self._read(side, uids[side]))
        whole = [*plan.adopted(pairs, seen[Side.LOCAL], seen[Side.REMOTE])]
        self.evidence = self.evidence.plus(whole)
        found = [one for one in whole if not one.unlike]
        self._hidden = self._hidden or any(one.hidden for one in found)
        added = await self._keyed(found)
        try:
            with self._state.transaction():
                self._state.addPairs(self._known.id, added)
        except ValueError as error:
            raise MailboxError("one of its messages was paired twice") from error
        return len(added)

    async def _read(self, side: Side, uids: UidSet) -> dict[int, Seen]:
        found: dict[int, Seen] = {}
        mark = self._marks[side]

        def take(rows: list[Row]) -> None:
            for uid, flags, modseq, size, date, *_ in rows:
                if flags is not None:
                    changed = plan.isChanged(uid, modseq, mark)
                    found[uid] = Seen(flags, changed, size or 0, instant(date))

        await self._sources[side].rows(uids, self._items[side], take)
        return found

    async def _keyed(self, found: list[Adopted]) -> list[Pair]:
        """
        The pairs; with their content keys, where one of the messages is gone: it may
        have been moved, and is to be recognised.
        """
        keys: dict[tuple[Side, int], bytes] = {}

        async def onSide(side: Side) -> None:
            uids = UidSetBuilder()
            for one in found:
                if one.gone is side.other:
                    uids.add(one.pair.uid(side))

            def take(uid: int, key: bytes, _: int) -> None:
                keys[side, uid] = key

            await keyed(self._sources[side], uids.build(), take)

        await onBoth(onSide)
        return [
            pair
            if gone is None
            else pair._replace(key=keys.get((gone.other, pair.uid(gone.other)), b""))
            for pair, gone, *_ in found
        ]
