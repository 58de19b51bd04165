"""
Comparing entries of the database with what both sides show of their messages, and
having them be as they are to be: L{Entries}.

A window of them is held at a time, with what is read of its messages.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from imapsync.content.digest import KeyDigest, instant, stamp
from imapsync.gather import onBoth
from imapsync.imap.wire.responses import Row
from imapsync.mailbox.context import Clients
from imapsync.mailbox.fetching import Source
from imapsync.mailbox.mending import Mending
from imapsync.model import Flags, Pair, Side
from imapsync.plan import repair as plan
from imapsync.plan.repair import Finding, Kind, Traits
from imapsync.uidset import UidSet, UidSetBuilder

#: So many entries are held.
WINDOW = 2000

_HEADER = "(FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER])"
_WHOLE = "(RFC822.SIZE BODY.PEEK[])"
_FLAGS = "(FLAGS INTERNALDATE)"


class Suspects:
    """
    Entries whose two messages are not equal by content: a million take 9 MB.
    """

    def __init__(self) -> None:
        self._uids = {side: array("I") for side in Side}
        self._altered = bytearray()

    def add(self, pair: Pair, altered: bool) -> None:
        """
        One more.

        @param altered: whether a server may have changed its message.
        """
        for side, uids in self._uids.items():
            uids.append(pair.uid(side))
        self._altered.append(altered)

    def uids(self, side: Side) -> UidSet:
        """
        Of all of them.
        """
        return UidSet.of(self._uids[side])

    def __iter__(self) -> Iterator[tuple[int, int, bool]]:
        for local, remote, altered in zip(
            *self._uids.values(), self._altered, strict=True
        ):
            yield local, remote, bool(altered)


class Entries:
    """
    Those of a mailbox that is selected on both sides.

    @ivar suspects: what is to be settled when the others are.
    """

    def __init__(
        self, mending: Mending, clients: Clients, sources: Mapping[Side, Source]
    ) -> None:
        self._mending = mending
        self._clients = clients
        self._sources = sources
        self._differing = {side: UidSetBuilder() for side in Side}
        self.suspects = Suspects()

    def differing(self, side: Side) -> UidSet:
        """
        The messages whose flags were not the same.
        """
        return self._differing[side].build()

    async def compare(self, uids: UidSet, proven: bool) -> None:
        """
        Compare the two messages of each entry, and both with the entry.

        @param uids: local ones.
        @param proven: whether they need not be equal by content.
        """
        pairs = self._mending.state.pairs(self._mending.known.id, Side.LOCAL, uids)
        while window := list(islice(pairs, WINDOW)):
            seen = await onBoth(lambda side: self._read(side, window, proven))
            if not proven:
                await self._readWhole(window, seen)
            self._amend(self._judged(window, seen, proven))

    async def _read(
        self, side: Side, window: list[Pair], proven: bool
    ) -> dict[int, Traits]:
        """
        What C{side} shows of messages.
        """
        found: dict[int, Traits] = {}

        def headed(row: Row, digest: KeyDigest) -> None:
            if row.flags is not None:
                found[row.uid] = _traits(row, row.flags, digest)

        def flagged(rows: list[Row]) -> None:
            found.update((r.uid, Traits(r.flags)) for r in rows if r.flags is not None)

        source = self._sources[side]
        uids = UidSet.of(pair.uid(side) for pair in window)
        if not proven:
            await source.digests(uids, _HEADER, KeyDigest, headed)
            uids &= source.unread
        if uids:
            await self._clients[side].fetchRows(uids, _FLAGS, flagged)
        return found

    async def _readWhole(
        self, window: list[Pair], seen: Mapping[Side, dict[int, Traits]]
    ) -> None:
        """
        The header of a message without Message-ID does not tell it from others.
        """
        ours, theirs = seen.values()
        doubtful = [
            pair
            for pair in window
            if pair.local in ours and pair.remote in theirs
            if not (ours[pair.local].singular or theirs[pair.remote].singular)
            if ours[pair.local].key == theirs[pair.remote].key
        ]

        async def onSide(side: Side) -> None:
            found = seen[side]

            def done(row: Row, digest: KeyDigest) -> None:
                key = digest.key(row.size or 0)
                found[row.uid] = found[row.uid]._replace(key=key)

            source = self._sources[side]
            uids = UidSet.of(pair.uid(side) for pair in doubtful)
            await source.digests(uids, _WHOLE, KeyDigest, done)
            for uid in uids & source.unread:
                found[uid] = found[uid]._replace(key=b"")

        if doubtful:
            await onBoth(onSide)

    def _judged(
        self, window: list[Pair], seen: Mapping[Side, dict[int, Traits]], proven: bool
    ) -> Iterator[Finding]:
        ours, theirs = seen.values()
        for pair in window:
            here, there = ours.get(pair.local), theirs.get(pair.remote)
            if here is None or there is None:
                continue  # gone meanwhile
            if not proven and here.key and there.key:
                if here.key != there.key:
                    self.suspects.add(pair, plan.isAltered(here, there))
                    continue
                if finding := plan.aboutKey(pair, here, there):
                    yield finding
            if finding := plan.aboutFlags(pair, here.flags, there.flags):
                yield finding

    def _amend(self, findings: Iterable[Finding]) -> None:
        """
        Have entries be as they are to be.
        """
        state, mailbox = self._mending.state, self._mending.known.id
        renewed: dict[int, Pair] = {}
        flags: dict[int, Flags] = {}
        for kind, text, pair in findings:
            self._mending.found(kind, text, pair.local, pair.remote)
            if kind is Kind.KEY:
                renewed[pair.local] = pair
            else:
                flags[pair.local] = pair.flags
            if kind is Kind.FLAGS:
                self.differ(pair)
        if renewed or flags:
            with self._mending.change():
                state.removePairs(mailbox, Side.LOCAL, UidSet.of(renewed))
                state.addPairs(mailbox, renewed.values())
                state.setFlags(mailbox, Side.LOCAL, flags)

    def differ(self, pair: Pair) -> None:
        """
        Its messages do not have the same flags.
        """
        for side, uids in self._differing.items():
            uids.add(pair.uid(side))


def _traits(row: Row, flags: Flags, digest: KeyDigest) -> Traits:
    size = row.size or 0
    return Traits(
        flags,
        digest.key(size),
        digest.singular,
        size,
        stamp(size, instant(row.date), digest.messageId),
        digest.messageId,
        instant(row.date),
    )
