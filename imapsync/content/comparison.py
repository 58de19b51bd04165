"""
Whether two mailboxes hold the same messages, and in what they differ: L{Comparison}.

Nothing is known of them before: messages are matched one to one by their content,
so that of k equal ones here and k there, none is left.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

from imapsync.content.scratch import Scratch
from imapsync.model import Flags, Side, flagsOf, flagsText
from imapsync.uidset import UidSet, UidSetBuilder

_SCHEMA = (
    """
    CREATE TABLE message (
        box INTEGER NOT NULL,
        side INTEGER NOT NULL,
        uid INTEGER NOT NULL,
        size INTEGER NOT NULL,
        date INTEGER NOT NULL,
        flags TEXT NOT NULL,
        key BLOB NOT NULL,
        name INTEGER,           -- a digest of the Message-ID, if there is one
        print BLOB NOT NULL,    -- a digest of all that is compared
        late INTEGER NOT NULL,  -- whether it came while others were read
        PRIMARY KEY (box, side, uid)
    ) WITHOUT ROWID
    """,
    # Those to which nothing on the other side is equal in all.
    """
    CREATE TABLE open (
        box INTEGER, side INTEGER, uid INTEGER, date INTEGER, flags TEXT, key BLOB,
        name INTEGER, late INTEGER, PRIMARY KEY (box, side, uid)
    ) WITHOUT ROWID
    """,
    # Those of them that are the same message all the same.
    """
    CREATE TABLE pair (box INTEGER, local INTEGER, remote INTEGER,
        PRIMARY KEY (box, local)
    ) WITHOUT ROWID
    """,
)

# Where as many are here as there, all of them are equal, whichever is which.
_OPEN = """
INSERT INTO open
WITH odd AS (
    SELECT print, min(sum(side = 0), sum(side = 1)) AS equal FROM message
    WHERE box = ?1 GROUP BY print HAVING sum(side = 0) <> sum(side = 1)
)
SELECT box, side, uid, date, flags, key, name, late FROM (
    SELECT message.*, equal,
        row_number() OVER (PARTITION BY side, print ORDER BY late, uid) AS n
    FROM message CROSS JOIN odd USING (print) WHERE box = ?1
) WHERE n > equal
"""

#: What makes two the same message, the strongest first: equal content, or, at last,
#: only a Message-ID.
_LIKENESSES = ("key, date", "key, lower(flags)", "key", "name, date", "name")

# The nth of those that are alike belongs to the nth on the other side.
_PAIR = """
INSERT INTO pair
SELECT box, max(CASE side WHEN 0 THEN uid END), max(CASE side WHEN 1 THEN uid END)
FROM (
    SELECT *, row_number() OVER (PARTITION BY side, {like} ORDER BY late, uid) AS n
    FROM open WHERE box = ? AND ({named} = 0 OR name IS NOT NULL)
) GROUP BY {like}, n HAVING count(*) = 2
"""

_PAIRED = """
DELETE FROM open WHERE box = ?1 AND side = ?2
AND uid IN (SELECT {side} FROM pair WHERE box = ?1)
"""

_LATE = """
DELETE FROM message WHERE box = ?1 AND late
AND (side, uid) IN (SELECT side, uid FROM open WHERE box = ?1)
"""

_PAIRS = """
SELECT ours.uid, ours.size, ours.date, ours.flags, theirs.uid, theirs.size,
    theirs.date, theirs.flags, ours.key = theirs.key, ours.late OR theirs.late
FROM pair
JOIN message AS ours ON ours.box = pair.box AND ours.side = 0 AND ours.uid = local
JOIN message AS theirs
    ON theirs.box = pair.box AND theirs.side = 1 AND theirs.uid = remote
WHERE pair.box = ? ORDER BY local
"""

_ALONE = """
SELECT uid, message.size, message.date, message.flags
FROM open JOIN message USING (box, side, uid)
WHERE box = ? AND side = ? ORDER BY uid
"""

_NUMBERS = {side: number for number, side in enumerate(Side)}

#: So many messages are written at once.
_PORTION = 1000


class Found(NamedTuple):
    """
    One message of one side.

    @ivar size: RFC822.SIZE.
    @ivar date: INTERNALDATE, in seconds since 1970.
    """

    uid: int
    size: int
    date: int
    flags: Flags


class Difference(NamedTuple):
    """
    A message that both sides do not have alike.

    @ivar differs: in what: C{"missing"}, or some of C{"flags"}, C{"date"}, C{"size"}
        and C{"content"}.
    @ivar local: C{None} if it is not there.
    @ivar remote: likewise.
    """

    differs: tuple[str, ...]
    local: Found | None
    remote: Found | None

    def on(self, side: Side) -> Found | None:
        """
        The message on C{side}.
        """
        return self.local if side is Side.LOCAL else self.remote


class Tally(NamedTuple):
    """
    All messages of one side of a mailbox.

    @ivar octets: the sum of their sizes.
    @ivar digest: of all that is compared of them, in whatever order: in two mailboxes
        it is the same if, and only if, they hold the same.
    """

    messages: int = 0
    octets: int = 0
    digest: str = ""


class Comparison:
    """
    What both sides of mailboxes hold, each mailbox by a number: L{add} all messages
    of both sides, L{settle} it, and ask for its L{differences}.
    """

    def __init__(self) -> None:
        self._scratch = Scratch(_SCHEMA)
        self._waiting: list[tuple[object, ...]] = []
        self._tallies: dict[tuple[int, Side], Tally] = {}

    def close(self) -> None:
        """
        Forget everything.
        """
        self._scratch.close()

    def forget(self, box: int) -> None:
        """
        Nothing is known of a mailbox any more.
        """
        self._flush()
        self._clear(box, "message", "open", "pair")

    def add(
        self,
        box: int,
        side: Side,
        found: Found,
        key: bytes,
        messageId: bytes,
        late: bool = False,
    ) -> None:
        """
        Take a message.

        @param key: what is equal in messages of equal content.
        @param late: whether it came so late that nothing need be equal to it yet.
        """
        flags = flagsText(found.flags)
        seal = _print(found.date, flags, key)
        name = _digest(messageId) >> 65 if messageId else None
        row = (found.uid, found.size, found.date, flags, key, name, seal, late)
        self._waiting.append((box, _NUMBERS[side], *row))
        if len(self._waiting) >= _PORTION:
            self._flush()

    def remove(self, box: int, side: Side, uids: UidSet) -> None:
        """
        These are gone.
        """
        self._flush()
        self._scratch.write(
            "DELETE FROM message WHERE box = ? AND side = ? AND uid BETWEEN ? AND ?",
            ((box, _NUMBERS[side], first, last) for first, last in uids.ranges),
        )

    def flag(self, box: int, side: Side, uid: int, flags: Flags) -> None:
        """
        A message has these flags now.
        """
        self._flush()
        place = (box, _NUMBERS[side], uid)
        text = flagsText(flags)
        found = self._scratch.rows(
            "SELECT date, key FROM message WHERE box = ? AND side = ? AND uid = ?",
            *place,
        )
        seals = [(text, _print(date, text, key), *place) for date, key in found]
        self._scratch.write(
            "UPDATE message SET flags = ?, print = ?"
            " WHERE box = ? AND side = ? AND uid = ?",
            seals,
        )

    def settle(self, box: int) -> None:
        """
        Find out what differs.
        """
        self._clear(box, "open", "pair")
        if self.tally(box, Side.LOCAL) == self.tally(box, Side.REMOTE):
            return
        self._scratch.write(_OPEN, [(box,)])
        for like in _LIKENESSES:
            pairing = _PAIR.format(like=like, named=int(like.startswith("name")))
            self._scratch.write(pairing, [(box,)])
            for side, number in _NUMBERS.items():
                self._scratch.write(_PAIRED.format(side=side), [(box, number)])
        # What is still under way counts on neither side.
        self._scratch.write(_LATE, [(box,)])
        self._tallies.clear()

    def differences(self, box: int) -> Iterator[Difference]:
        """
        What differs: first the messages that are on both sides, by local UID, then
        those on one side only.
        """
        for values in self._scratch.rows(_PAIRS, box):
            ours, theirs = _found(*values[:4]), _found(*values[4:8])
            same, late = values[8:]
            # Nor is what is still under way a difference.
            if not (late and same) and (differs := _differing(ours, theirs, same)):
                yield Difference(differs, ours, theirs)
        for values in self._scratch.rows(_ALONE, box, 0):
            yield Difference(("missing",), _found(*values), None)
        for values in self._scratch.rows(_ALONE, box, 1):
            yield Difference(("missing",), None, _found(*values))

    def uids(self, box: int, side: Side) -> UidSet:
        """
        All messages of one side.
        """
        self._flush()
        found = UidSetBuilder()
        for (uid,) in self._scratch.rows(
            "SELECT uid FROM message WHERE box = ? AND side = ?",
            *(box, _NUMBERS[side]),
        ):
            found.add(uid)
        return found.build()

    def tally(self, box: int, side: Side) -> Tally:
        """
        All messages of one side, in sum.
        """
        self._flush()
        if (box, side) in self._tallies:
            return self._tallies[box, side]
        messages = octets = total = 0
        for size, seal in self._scratch.rows(
            "SELECT size, print FROM message WHERE box = ? AND side = ?",
            *(box, _NUMBERS[side]),
        ):
            messages += 1
            octets += size
            total += int.from_bytes(seal, "big")
        total %= 1 << 128
        digest = _digest(b"%d %d" % (messages, total))
        tally = self._tallies[box, side] = Tally(messages, octets, f"{digest:032x}")
        return tally

    def _clear(self, box: int, *tables: str) -> None:
        self._tallies.clear()
        for table in tables:
            self._scratch.write(f"DELETE FROM {table} WHERE box = ?", [(box,)])

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        self._scratch.write(
            "INSERT OR REPLACE INTO message VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            waiting,
        )


def _found(uid: int, size: int, date: int, flags: str) -> Found:
    return Found(uid, size, date, flagsOf(flags))


def _differing(ours: Found, theirs: Found, same: bool) -> tuple[str, ...]:
    """
    In what they differ.

    @param same: whether their content is the same.
    """
    folded = ({flag.lower() for flag in one.flags} for one in (ours, theirs))
    found = {
        "flags": len({*map(frozenset, folded)}) > 1,
        "date": ours.date != theirs.date,
        "size": ours.size != theirs.size,
        # Where sizes differ, so must contents; that tells nothing more.
        "content": not same and ours.size == theirs.size,
    }
    return tuple(what for what, differs in found.items() if differs)


def _print(date: int, flags: str, key: bytes) -> bytes:
    told = b"%d %s\0%s" % (date, _folded(flags), key)
    return blake2b(told, digest_size=16).digest()


@lru_cache(1024)
def _folded(flags: str) -> bytes:
    return " ".join(sorted(flags.lower().split(" "))).encode()


def _digest(octets: bytes) -> int:
    return int.from_bytes(blake2b(octets, digest_size=16).digest(), "big")
