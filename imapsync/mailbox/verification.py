"""
Reading one mailbox on both sides to compare it, without changing anything: it is
never selected but by EXAMINE, and no message is seen by being looked at.
"""

from __future__ import annotations

from collections.abc import Mapping

from imapsync.config.request import Depth
from imapsync.content.comparison import Comparison, Found
from imapsync.content.digest import BodyDigest, KeyDigest, instant
from imapsync.errors import MailboxError, Refused
from imapsync.gather import onBoth
from imapsync.imap.client import SyncClient
from imapsync.imap.commands.mailbox import Heard, Selected
from imapsync.imap.wire.responses import Row
from imapsync.mailbox.course import Course
from imapsync.mailbox.fetching import Source
from imapsync.mailbox.suspects import MOST, Place, Suspects
from imapsync.model import Mark, Name, Octets, Side
from imapsync.uidset import MAXIMUM, UidSet, UidSetBuilder

_ITEMS = "FLAGS INTERNALDATE RFC822.SIZE"


class _Whole:
    """
    All that is compared of a message that is read whole.

    @ivar octets: how many it has: a server may tell another number.
    """

    def __init__(self) -> None:
        self.octets = 0
        self._body = BodyDigest()
        self._head = KeyDigest()

    def write(self, data: Octets) -> None:
        """
        Take the next piece of the message.
        """
        self.octets += len(data)
        self._body.write(data)
        self._head.write(data)

    @property
    def messageId(self) -> bytes:
        """
        The Message-ID, or nothing.
        """
        return self._head.messageId

    def key(self, size: int) -> bytes:
        """
        The digest of all of it.
        """
        return self._body.digest(size)


class Reading:
    """
    A mailbox, as far as it is read.

    @param name: by which it is known.
    @ivar box: its number.
    @ivar names: what each server calls it.
    @ivar marks: how it was when it was read first.
    @ivar unread: messages that a server does not hand out.
    @ivar unlisted: how many more messages it tells of than it lists.
    """

    def __init__(self, name: Name, box: int, names: Mapping[Side, str]) -> None:
        self.name = name
        self.box = box
        self.names = names
        self.marks: dict[Side, Mark] = {}
        self.unread: dict[Side, UidSet] = {}
        self.unlisted: dict[Side, int] = {}


class Reader:
    """
    Reads mailboxes over a pair of connections.

    @param suspects: outlasts them.
    """

    def __init__(
        self,
        clients: Mapping[Side, SyncClient],
        comparison: Comparison,
        suspects: Suspects,
        depth: Depth,
        course: Course,
    ) -> None:
        self._clients = clients
        self._comparison = comparison
        self._suspects = suspects
        self._depth = depth
        self._course = course

    async def read(self, reading: Reading) -> None:
        """
        Read all of a mailbox.

        @raise MailboxError: a server does not let us.
        @raise Lost: a connection broke; what was read is to be read again.
        """
        self._comparison.forget(reading.box)
        reading.marks.clear()
        reading.unread.clear()
        await onBoth(lambda side: self._readSide(reading, side))
        self._comparison.settle(reading.box)

    async def readAgain(self, reading: Reading) -> None:
        """
        Look once more at what seemed to differ: messages may have come, gone, or got
        other flags on one side only while both were read.

        @raise MailboxError: as L{read}.
        @raise Lost: likewise.
        """
        doubtful = self._doubtful(reading)
        same = await onBoth(lambda side: self._look(reading, side, doubtful[side]))
        if all(same.values()):
            self._comparison.settle(reading.box)
        else:
            await self.read(reading)

    def _doubtful(self, reading: Reading) -> Mapping[Side, UidSet]:
        builders = {side: UidSetBuilder() for side in Side}
        for difference in self._comparison.differences(reading.box):
            for side, builder in builders.items():
                if found := difference.on(side):
                    builder.add(found.uid)
        return {side: builder.build() for side, builder in builders.items()}

    async def _readSide(self, reading: Reading, side: Side) -> None:
        selected, uids = await self._open(reading, side)
        reading.marks[side] = selected.mark
        there = await self._list(side, uids)
        source, box = self._source(reading, side), reading.box
        self._course.copies(reading.name, {side: len(there)})
        await self._take(source, reading, side, there)
        left = there - self._comparison.uids(box, side) - source.unread
        if left:  # it has sent a part only, and called that all
            await self._take(source, reading, side, left)
        self._note(reading, side, selected, there)

    async def _look(self, reading: Reading, side: Side, doubtful: UidSet) -> bool:
        """
        @return: whether it is still the same mailbox.
        """
        selected, uids = await self._open(reading, side)
        before = reading.marks.get(side)
        if before is None or selected.mark.uidvalidity != before.uidvalidity:
            return False
        box, comparison = reading.box, self._comparison
        there = await self._list(side, uids)
        known = comparison.uids(box, side)
        comparison.remove(box, side, doubtful - there)

        def flagged(rows: list[Row]) -> None:
            for row in rows:
                if row.flags is not None and row.uid in doubtful:
                    comparison.flag(box, side, row.uid, row.flags)

        source = self._source(reading, side)
        await source.rows(doubtful & there, "(FLAGS RFC822.SIZE)", flagged)
        await self._take(source, reading, side, there - known, before.uidnext)
        self._note(reading, side, selected, there)
        return True

    async def _list(self, side: Side, uids: UidSet) -> UidSet:
        """
        Those of C{uids} that are there.
        """
        client = self._clients[side]
        if not uids or "ESEARCH" in client.features:
            return await client.exists(uids) if uids else uids
        # What SEARCH tells of a million messages is a line that is too long.
        found = UidSetBuilder()

        def add(rows: list[Row]) -> None:
            found.update(UidSet.of(row.uid for row in rows if row.uid))

        await client.fetchRows(uids, "(INTERNALDATE)", add)
        return found.build() & uids

    def _note(
        self, reading: Reading, side: Side, selected: Selected, there: UidSet
    ) -> None:
        """
        Note what was not read.
        """
        reading.unread[side] = there - self._comparison.uids(reading.box, side)
        reading.unlisted[side] = max(0, selected.exists - len(there))

    async def _open(self, reading: Reading, side: Side) -> tuple[Selected, UidSet]:
        """
        @return: how it is, and where there may be messages.
        @raise MailboxError: the server does not let us.
        """
        try:
            selected = await self._clients[side].open(
                reading.names[side], None, Heard(), writable=False
            )
        except Refused as error:
            raise MailboxError(str(error), side, error.responseCode) from error
        last = selected.mark.uidnext - 1 if selected.mark.uidnext else MAXIMUM
        there = selected.exists and last
        return selected, UidSet(((1, last),)) if there else UidSet()

    def _source(self, reading: Reading, side: Side) -> Source:
        """
        @raise MailboxError: not the messages are the reason why it breaks.
        """
        place = Place(reading.box, side, reading.marks[side].uidvalidity)
        if len(self._suspects.leftOut(place)) >= MOST:
            text = "the connection breaks over message after message"
            raise MailboxError(text, side)
        return Source(self._clients[side], self._suspects, place)

    async def _take(
        self,
        source: Source,
        reading: Reading,
        side: Side,
        uids: UidSet,
        since: int = MAXIMUM + 1,
    ) -> None:
        """
        Read messages.

        @param since: from this UID on, they are late.
        """
        comparison, course = self._comparison, self._course
        box, name = reading.box, reading.name
        headless = UidSetBuilder()

        def done(row: Row, digest: KeyDigest | _Whole) -> None:
            size = digest.octets if isinstance(digest, _Whole) else row.size or 0
            flags = row.flags or frozenset()
            found = Found(row.uid, size, instant(row.date), flags)
            key, late = digest.key(size), row.uid >= since
            comparison.add(box, side, found, key, digest.messageId, late)
            course.did(name, side, 1, size)

        def headed(row: Row, digest: KeyDigest) -> None:
            if digest.singular:
                done(row, digest)
            else:  # its header tells it from no other
                headless.add(row.uid)

        header, whole = (f"({_ITEMS} BODY.PEEK[{part}])" for part in ("HEADER", ""))
        if self._depth is Depth.CONTENT:
            await source.digests(uids, whole, _Whole, done)
        else:
            await source.digests(uids, header, KeyDigest, headed)
            await source.digests(headless.build(), whole, KeyDigest, done)
