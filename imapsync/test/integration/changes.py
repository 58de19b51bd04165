"""
What may happen to two accounts: anything, at random.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from itertools import count
from random import Random

from imapsync.model import Side
from imapsync.test.integration.accounts import Account, CommandFailed, Message
from imapsync.test.integration.expected import Model
from imapsync.test.integration.lineages import within
from imapsync.test.integration.messages import messages

#: As many equal messages as a mailbox may get from us.
_ALIKE = 3

_NAMES = (
    *("INBOX", "Work", "Work/Deep", "Été & Co", "a b", "Lists/twisted"),
    *("Job", "Job/Deep"),
)
#: Keywords are the same in any case.
_FLAGS = (
    *("\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft"),
    *("$Forwarded", "Work", "work", "NonJunk"),
)


class Changes:
    """
    Changes two accounts, and tells a model of it.

    @param seed: makes all that happens, if it is asked for in the same order.
    @ivar rng: for whoever wants to know what to ask for.
    @ivar story: what happened so far.
    """

    _accounts: Mapping[Side, Account]

    def __init__(self, seed: int, merge: bool) -> None:
        self.rng = Random(seed)
        self.story: list[str] = []
        self._model = Model(merge)
        self._fresh = iter(_bodies(seed))
        self._possible: Sequence[str] = _NAMES
        self._bodies: dict[str, bytes] = {}
        self._meanwhile = False
        self._still: frozenset[str] = frozenset()
        self._beginAnew()

    def _beginAnew(self) -> None:
        """
        All that happened is dealt with.
        """
        self._touched: set[str] = set()
        self._moved: set[str] = set()
        # What each side has expunged and copied: both together look like a move.
        self._gone: dict[Side, set[str]] = {side: set() for side in Side}
        self._again: dict[Side, set[str]] = {side: set() for side in Side}

    def _spare(self, keeps: Callable[[bytes], bool], levels: bool) -> None:
        """
        Do nothing that a server cannot keep.
        """
        self._fresh = iter([body for body in self._fresh if keeps(body)])
        if not levels:
            self._possible = [name for name in self._possible if "/" not in name]

    def meddler(self) -> Callable[[str], None]:
        """
        Changes made while a sync is running, at two of the lines that it
        logs.  Each is to a message of which nothing else has changed, since
        it is unknown which change comes first.
        """
        when = {self.rng.randint(1, 150) for _ in range(2)}
        numbers = count(1)
        self._still = self._model.still()

        def watch(line: str) -> None:
            if next(numbers) in when:
                self._meddle()

        return watch

    def meddle(self) -> None:
        """
        Likewise, where a sync has ended in the middle.
        """
        self._still = self._model.still()
        self._meddle()

    def _meddle(self) -> None:
        self._meanwhile = True
        for side in Side:
            self.change(side, self.rng.randint(0, 3))
        self._meanwhile = False

    def change(self, side: Side, times: int) -> None:
        """
        Do that many things to the account of C{side}, unless there is nothing
        to do them to.
        """
        for _ in range(times):
            changes = self._MEANWHILE if self._meanwhile else self._ANYTHING
            if told := self.rng.choice(changes)(self, side):
                self.story.append(f"{'  ' * self._meanwhile}{side}: {told}")

    def _append(self, side: Side) -> str:
        """
        Append a message that is new everywhere, or so it seems.
        """
        body = next(self._fresh, b"")
        if not body or (self._meanwhile and body in self._bodies.values()):
            return ""
        return self._appended(side, self._someName(side), body)

    def _appendSame(self, side: Side) -> str:
        """
        Append a message that the other side has, or one that has been there.
        """
        name, uids = self._some(side.other)
        if uids and name in self._model.boxes[side]:
            digest = self._model.boxes[side.other][name][uids[0]].digest
        elif self._bodies:
            name, digest = self._someName(side), self.rng.choice([*self._bodies])
        else:
            return ""
        return self._appended(side, name, self._bodies[digest])

    def _appended(self, side: Side, name: str, body: bytes) -> str:
        digest = sha256(body).hexdigest()
        if self._many(name, digest) or digest in self._gone[side]:
            return ""
        self._again[side].add(digest)
        flags, date = self._flags(0, 3), _date(body)
        uid = self._accounts[side].append(name, body, flags, date)
        message = Message(digest, _folded(flags), date)
        self._model.boxes[side][name][uid] = message
        self._bodies[digest] = body
        self._touched.add(digest)
        return f"append {uid} to {name}: {message}"

    def _many(self, name: str, digest: str) -> bool:
        return any(
            [one.digest for one in boxes.get(name, {}).values()].count(digest) >= _ALIKE
            for boxes in self._model.boxes.values()
        )

    def _flag(self, side: Side) -> str:
        name, uids = self._some(side)
        return self._flagged(side, name, uids) if uids else ""

    def _flagged(self, side: Side, name: str, uids: list[int]) -> str:
        sign, flags = self.rng.choice(("+", "+", "-", "")), self._flags(1, 2)
        change = f"{sign}FLAGS ({' '.join(flags)})"
        self._accounts[side].store(name, uids, change)
        box = self._model.boxes[side][name]
        for uid in uids:
            before = box[uid].flags if sign else frozenset()
            after = before - _folded(flags) if sign == "-" else before | _folded(flags)
            box[uid] = replace(box[uid], flags=after)
        return f"{change} on {uids} in {name}"

    def _expunge(self, side: Side) -> str:
        again = self._again[side]
        name, uids = self._some(side, lambda message: message.digest not in again)
        if not uids:
            return ""
        self._gone[side] |= self._digests(side, name, uids)
        self._accounts[side].expunge(name, uids)
        for uid in uids:
            del self._model.boxes[side][name][uid]
        return f"expunge {uids} in {name}"

    def _move(self, side: Side) -> str:
        """
        Move messages to which nothing else happened, and to which nothing will
        but here: what else would become of them depends on how the sync sees
        it.
        """
        seen = self._touched
        name, uids = self._some(side, lambda message: message.digest not in seen)
        target = self._someName(side)
        if not uids or name == target:
            return ""
        box, there = self._model.boxes[side][name], self._model.boxes[side][target]
        self._moved.update(box[uid].digest for uid in uids)
        new = self._accounts[side].move(name, sorted(uids), target)
        there.update(zip(new, map(box.pop, sorted(uids)), strict=True))
        told = f"move {sorted(uids)} in {name} to {new} in {target}"
        if self.rng.random() < 0.5:
            return told
        return f"{told}, {self._flagged(side, target, new[:1])}"

    def _copy(self, side: Side) -> str:
        gone = self._gone[side]
        name, uids = self._some(side, lambda message: message.digest not in gone)
        target = self._someName(side)
        box = self._model.boxes[side].get(name, {})
        uids = [uid for uid in sorted(uids) if not self._many(target, box[uid].digest)]
        if not uids or len({box[uid].digest for uid in uids}) < len(uids):
            return ""
        self._again[side] |= self._digests(side, name, uids)
        new = self._accounts[side].copy(name, uids, target)
        copies = [box[uid] for uid in uids]
        self._model.boxes[side][target].update(zip(new, copies, strict=True))
        return f"copy {uids} in {name} to {new} in {target}"

    def _create(self, side: Side) -> str:
        name = self.rng.choice(self._possible)
        if name in self._model.boxes[side]:
            return ""
        self._accounts[side].create(name)
        self._model.create(side, name)
        return f"create {name}"

    def _rename(self, side: Side) -> str:
        old, new = self._someFolder(side), self.rng.choice(self._possible)
        return self._renamed(side, old, new) if old else ""

    def _renamed(self, side: Side, old: str, new: str) -> str:
        """
        Rename a mailbox; programs that people use mostly see to subscriptions.
        """
        names = {*self._model.boxes[side], *_ancestors(self._model.boxes[side])}
        if any(within(name, new) for name in names) or within(new, old):
            return ""
        try:
            self._accounts[side].rename(old, new)
        except CommandFailed:
            return ""  # to a name that exists without a mailbox
        self._model.rename(side, old, new)
        if self.rng.random() < 0.3:
            return f"rename {old} to {new}, which leaves its subscription behind"
        subscribed = self._model.subscribed[side]
        for name in sorted(self._model.boxes[side]):
            was = f"{old}{name[len(new) :]}"
            if within(name, new) and was in subscribed:
                self._unsubscribed(side, was)
                self._subscribed(side, name)
        return f"rename {old} to {new}"

    def _swap(self, side: Side) -> str:
        one, other = self._someFolder(side), self._someFolder(side)
        if not one or within(one, other) or within(other, one):
            return ""
        steps = ((one, "Between"), (other, one), ("Between", other))
        return ", ".join(self._renamed(side, old, new) for old, new in steps)

    def _delete(self, side: Side) -> str:
        name = self._someFolder(side)
        digests = self._digests(side, name, self._model.boxes[side].get(name, ()))
        if name not in self._model.boxes[side] or digests & self._again[side]:
            return ""
        self._gone[side] |= digests
        self._accounts[side].delete(name)
        self._model.delete(side, name)
        return f"delete {name}"

    def _subscribe(self, side: Side) -> str:
        return self._subscribed(side, self._someName(side))

    def _subscribed(self, side: Side, name: str) -> str:
        self._accounts[side].subscribe(name)
        self._model.subscribed[side].add(name)
        return f"subscribe {name}"

    def _unsubscribe(self, side: Side) -> str:
        return self._unsubscribed(side, self._someName(side))

    def _unsubscribed(self, side: Side, name: str) -> str:
        self._accounts[side].unsubscribe(name)
        self._model.subscribed[side].discard(name)
        return f"unsubscribe {name}"

    _MEANWHILE = (_append, _append, _flag, _flag, _flag, _expunge)
    _ANYTHING = (
        *_MEANWHILE * 2,
        *(_move, _move, _move, _copy, _copy),
        *(_appendSame, _appendSame, _create, _create, _subscribe, _unsubscribe),
        *(_rename, _rename, _swap, _delete),
    )

    def _someName(self, side: Side) -> str:
        return self.rng.choice(self._names(side))

    def _names(self, side: Side) -> list[str]:
        """
        The mailboxes that there are; while a sync is running, those that it
        leaves in their places.
        """
        names = self._model.boxes[side].keys()
        return sorted(names & self._still if self._meanwhile else names)

    def _someFolder(self, side: Side) -> str:
        """
        The name of a mailbox, or one above a mailbox; not INBOX.
        """
        names = self._model.boxes[side].keys() - {"INBOX"}
        return self.rng.choice(sorted({*names, *_ancestors(names)}) or [""])

    def _some(
        self, side: Side, fit: Callable[[Message], bool] = lambda message: True
    ) -> tuple[str, list[int]]:
        """
        A few messages of a mailbox.
        """
        boxes = self._model.boxes[side]

        def fits(message: Message) -> bool:
            return self._free(message) and fit(message)

        found = {
            name: uids
            for name in self._names(side)
            if (uids := [uid for uid in sorted(boxes[name]) if fits(boxes[name][uid])])
        }
        if not found:
            return "", []
        name = self.rng.choice([*found])
        most = min(len(found[name]), self.rng.randint(1, 3))
        some = self.rng.sample(found[name], most)
        box = self._model.boxes[side][name]
        self._touched.update(box[uid].digest for uid in some)
        return name, some

    def _digests(self, side: Side, name: str, uids: Iterable[int]) -> set[str]:
        return {self._model.boxes[side][name][uid].digest for uid in uids}

    def _free(self, message: Message) -> bool:
        touched = self._meanwhile and message.digest in self._touched
        return not touched and message.digest not in self._moved

    def _flags(self, least: int, most: int) -> list[str]:
        some = self.rng.sample(_FLAGS, self.rng.randint(least, most))
        # Dovecot stumbles over one that it is given twice.
        return list({flag.lower(): flag for flag in some}.values())


def _bodies(seed: int) -> list[bytes]:
    """
    Messages of all kinds, in any order, some of them equal.
    """
    found = list(messages(60, seed=seed, size=300))
    for number in range(10):
        # The same header and size, and no Message-ID.
        found.append(b"Subject: Scan\r\n\r\n%04d\r\n" % number)
        # The same header, and another size.
        found.append(b"Message-ID: <1@a.example>\r\n\r\n" + b"x" * number)
    Random(seed).shuffle(found)
    return found


def _ancestors(names: Iterable[str]) -> set[str]:
    return {above for name in names for above in _above(name)}


def _above(name: str) -> Iterator[str]:
    while "/" in name:
        name = name.rpartition("/")[0]
        yield name


def _folded(flags: Iterable[str]) -> frozenset[str]:
    return frozenset(flag.lower() for flag in flags)


def _date(body: bytes) -> datetime:
    """
    Equal messages are of the same day: pairing them cannot change it.
    """
    start = datetime(2009, 1, 1, tzinfo=timezone.utc)
    return start + timedelta(seconds=zlib.crc32(body) % 10**8)
