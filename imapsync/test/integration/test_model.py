"""
Random changes on both sides, a sync, and a look at whether it made what a
model says: again and again, on real servers.

Every sequence of changes has a seed.  C{IMAPSYNC_SEED} is the first of them
and C{IMAPSYNC_SEQUENCES} says how many there are, so that one that failed can
be seen alone, and thousands can be tried on a quiet day.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from itertools import count
from pathlib import Path
from random import Random

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from imapsync.model import Side
from imapsync.test.integration.accounts import Message
from imapsync.test.integration.dovecot import maildirServer, mdboxServer
from imapsync.test.integration.expected import Alike, Model, alike
from imapsync.test.integration.inprocess import syncHere
from imapsync.test.integration.messages import messages
from imapsync.test.integration.scene import Run, Scene

SEED = int(os.environ.get("IMAPSYNC_SEED", "1"))
SEQUENCES = int(os.environ.get("IMAPSYNC_SEQUENCES", "200"))

#: As many equal messages as a mailbox may get from us.
_ALIKE = 3

_NAMES = ("INBOX", "Work", "Work/Deep", "Été & Co", "a b", "Lists/twisted")
#: Keywords are the same in any case.
_FLAGS = (
    *("\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft"),
    *("$Forwarded", "Work", "work", "NonJunk"),
)


@dataclass(frozen=True)
class Contents:
    """
    Messages to append.

    @ivar fresh: each comes once; some are alike from the outset.
    @ivar used: those that came, and may come again.
    """

    fresh: Iterator[bytes]
    used: list[bytes]

    @classmethod
    def of(cls, seed: int) -> Contents:
        """
        All kinds of them, in any order.
        """
        found = list(messages(60, seed=seed, size=300))
        for number in range(10):
            # The same header and size, and no Message-ID.
            found.append(b"Subject: Scan\r\n\r\n%04d\r\n" % number)
            # The same header, and another size.
            found.append(b"Message-ID: <1@a.example>\r\n\r\n" + b"x" * number)
        Random(seed).shuffle(found)
        return cls(iter(found), [])


class Sequence:
    """
    One pair of accounts, and what happens to it.
    """

    def __init__(self, seed: int, merge: bool) -> None:
        self._rng = Random(seed)
        policy = "merge" if merge else "union"
        servers = [mdboxServer(), maildirServer()]
        self._rng.shuffle(servers)
        local, remote = servers
        self._scene = Scene(local, remote, {"": {"flag-conflict": policy}})
        self._servers = {Side.LOCAL: local, Side.REMOTE: remote}
        self._accounts = dict(zip(Side, self._scene.accounts, strict=True))
        for account in self._scene.accounts:
            # Dovecot does not list an INBOX that was never opened as subscribed.
            account.uids("INBOX")
        self._model = Model(merge)
        self._contents = Contents.of(seed)
        self._touched: set[str] = set()
        self._meanwhile = False
        self.story: list[str] = [f"{policy}, local is {local.settings.layout}"]

    async def run(self) -> None:
        """
        Change, sync and compare, several times.

        @raise AssertionError: something is wrong.
        """
        try:
            for _ in range(self._rng.randint(2, 4)):
                await self._round()
        finally:
            self._scene.close()

    async def _round(self) -> None:
        self._touched.clear()
        for side in Side:
            self._change(side, self._rng.randint(0, 7))
        upset = self._rng.random()
        if upset < 0.1:
            self._loseDatabase()
        elif upset < 0.25:
            self._renumber()
        elif upset < 0.4:
            await self._sync(self._meddler())
        await self._sync()
        self._compare()
        again = await self._sync()
        if again.commands:
            raise AssertionError(f"the next run did something:\n{again.errors}")

    async def _sync(self, watch: Callable[[str], None] = lambda line: None) -> Run:
        self.story.append("sync")
        run = await syncHere(self._scene, reactor, watch)
        if run.code:
            raise AssertionError(f"exit code {run.code}:\n{run.errors}")
        return run

    def _compare(self) -> None:
        """
        Compare both sides with each other and with the model, which goes on
        from there.
        """
        snapshot, other = self._scene.snapshots()
        if differences := snapshot.differences(other):
            raise AssertionError("\n".join(["the sides differ:", *differences]))
        model = self._model
        _same("mailboxes", model.expectedNames(), snapshot.mailboxes.keys())
        _same("subscribed", model.expectedSubscribed(), snapshot.subscribed)
        for name, found in snapshot.mailboxes.items():
            expected = model.expected(name)
            for digest in expected.keys() | {one.digest for one in found}:
                these = alike(one for one in found.elements() if one.digest == digest)
                if these not in expected.get(digest, {()}):
                    raise AssertionError(
                        f"{name} holds {_told(these)}, not "
                        + " or ".join(map(_told, expected.get(digest, {()})))
                    )
        boxes = {
            side: {name: account.messages(name) for name in snapshot.mailboxes}
            for side, account in self._accounts.items()
        }
        model.agree(boxes, snapshot.subscribed)

    # What happens

    def _loseDatabase(self) -> None:
        self.story.append("lose the database")
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self._scene.database}{suffix}").unlink(missing_ok=True)
        self._model.forget()

    def _renumber(self) -> None:
        """
        Give a mailbox another UIDVALIDITY.
        """
        if not self._model.agreed:
            return
        side, name = self._rng.choice(list(Side)), self._rng.choice(self._model.agreed)
        server = self._servers[side]
        self.story.append(f"{side}: another UIDVALIDITY for {name}")
        server.doveadm(
            *("mailbox", "update", "-u", self._scene.user),
            *("--uid-validity", str(2**31 + self._rng.randrange(2**30))),
            name.replace("/", server.settings.separator),
        )
        self._model.renumber(name)

    def _meddler(self) -> Callable[[str], None]:
        """
        Changes made while a sync is running, at two of the lines that it
        logs.  Each is to a message of which nothing else has changed, since
        it is unknown which change comes first.
        """
        when = {self._rng.randint(1, 150) for _ in range(2)}
        numbers = count(1)

        def watch(line: str) -> None:
            if next(numbers) in when:
                self._meanwhile = True
                for side in Side:
                    self._change(side, self._rng.randint(0, 3))
                self._meanwhile = False

        return watch

    def _change(self, side: Side, times: int) -> None:
        for _ in range(times):
            changes = self._MEANWHILE if self._meanwhile else self._CHANGES
            if told := self._rng.choice(changes)(self, side):
                self.story.append(f"{'  ' * self._meanwhile}{side}: {told}")

    def _append(self, side: Side) -> str:
        used = self._contents.used
        again = used and not self._meanwhile and self._rng.random() < 0.3
        body = self._rng.choice(used) if again else next(self._contents.fresh)
        digest = sha256(body).hexdigest()
        name = self._rng.choice(sorted(self._model.boxes[side]))
        if (self._meanwhile and body in used) or self._many(name, digest):
            return ""
        used.append(body)
        flags, date = self._flags(0, 3), _date(body)
        uid = self._accounts[side].append(name, body, flags, date)
        self._touched.add(digest)
        self._model.boxes[side][name][uid] = message = Message(
            digest, _folded(flags), date
        )
        return f"append {uid} to {name}: {message}"

    def _many(self, name: str, digest: str) -> bool:
        return any(
            [one.digest for one in boxes.get(name, {}).values()].count(digest) >= _ALIKE
            for boxes in self._model.boxes.values()
        )

    def _flag(self, side: Side) -> str:
        name, uids = self._some(side)
        if not uids:
            return ""
        sign, flags = self._rng.choice(("+", "+", "-", "")), self._flags(1, 2)
        change = f"{sign}FLAGS ({' '.join(flags)})"
        self._accounts[side].store(name, uids, change)
        box = self._model.boxes[side][name]
        for uid in uids:
            before = box[uid].flags if sign else frozenset()
            after = before - _folded(flags) if sign == "-" else before | _folded(flags)
            box[uid] = replace(box[uid], flags=after)
        return f"{change} on {uids} in {name}"

    def _expunge(self, side: Side) -> str:
        name, uids = self._some(side)
        if not uids:
            return ""
        self._accounts[side].expunge(name, uids)
        for uid in uids:
            del self._model.boxes[side][name][uid]
        return f"expunge {uids} in {name}"

    def _create(self, side: Side) -> str:
        name = self._rng.choice(_NAMES)
        if name in self._model.boxes[side]:
            return ""
        self._accounts[side].create(name)
        self._model.boxes[side][name] = {}
        return f"create {name}"

    def _subscribe(self, side: Side) -> str:
        name = self._rng.choice(sorted(self._model.boxes[side]))
        self._accounts[side].subscribe(name)
        self._model.subscribed[side].add(name)
        return f"subscribe {name}"

    def _unsubscribe(self, side: Side) -> str:
        name = self._rng.choice(sorted(self._model.boxes[side]))
        self._accounts[side].unsubscribe(name)
        self._model.subscribed[side].discard(name)
        return f"unsubscribe {name}"

    _MEANWHILE = (_append, _flag, _flag, _expunge)
    _CHANGES = (*_MEANWHILE * 4, _create, _subscribe, _unsubscribe)

    def _some(self, side: Side) -> tuple[str, list[int]]:
        """
        A few messages of a mailbox.
        """
        name, box = self._rng.choice(sorted(self._model.boxes[side].items()))
        uids = [
            uid
            for uid, message in sorted(box.items())
            if not (self._meanwhile and message.digest in self._touched)
        ]
        some = self._rng.sample(uids, min(len(uids), self._rng.randint(1, 3)))
        self._touched.update(box[uid].digest for uid in some)
        return name, some

    def _flags(self, least: int, most: int) -> list[str]:
        some = self._rng.sample(_FLAGS, self._rng.randint(least, most))
        # Dovecot stumbles over one that it is given twice.
        return list({flag.lower(): flag for flag in some}.values())


def _same(what: str, expected: Collection[str], found: Collection[str]) -> None:
    if set(expected) != set(found):
        raise AssertionError(f"{what}: {sorted(found)}, not {sorted(expected)}")


def _told(messages: Alike) -> str:
    return "[" + ", ".join(map(str, messages)) + "]"


def _folded(flags: Iterable[str]) -> frozenset[str]:
    return frozenset(flag.lower() for flag in flags)


def _date(body: bytes) -> datetime:
    """
    Equal messages are of the same day: pairing them cannot change it.
    """
    start = datetime(2009, 1, 1, tzinfo=timezone.utc)
    return start + timedelta(seconds=zlib.crc32(body) % 10**8)


class ModelTests(TestCase):
    """
    Tests for the sync of accounts that are changed at random.
    """

    timeout = 36000

    def test_union(self) -> Deferred[None]:
        """
        Both sides become what the model says, if flags that changed on both
        sides are united.
        """
        return Deferred.fromCoroutine(self._sequences(merge=False))

    def test_merge(self) -> Deferred[None]:
        """
        Both sides become what the model says, if flags that changed on both
        sides are merged.
        """
        return Deferred.fromCoroutine(self._sequences(merge=True))

    async def _sequences(self, merge: bool) -> None:
        # Half of the seeds are for each policy.
        seeds = [n for n in range(SEED, SEED + SEQUENCES) if n % 2 == merge]
        failures = []
        for seed in seeds:
            sequence = Sequence(seed, merge)
            try:
                await sequence.run()
            except AssertionError as error:
                story = "\n".join([*sequence.story, f"{error}"])
                failures.append(f"IMAPSYNC_SEED={seed} IMAPSYNC_SEQUENCES=1\n{story}")
        self.assertEqual([], failures, "\n\n".join(failures))
