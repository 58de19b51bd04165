"""
Faults in the midst of a run, each at a moment or a place that chance has.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from imapsync.errors import Lost, StateDamaged, StateError, StateUnavailable
from imapsync.gather import together
from imapsync.model import Side
from imapsync.test import children
from imapsync.test.integration.ended import killedAtCommit
from imapsync.test.integration.relay import Relay, Way
from imapsync.test.integration.scene import PROGRAM, launched
from imapsync.test.integration.trial import (
    Laboratory,
    Outcome,
    Trial,
    anywhere,
)
from imapsync.test.integration.world import Verdict

#: What disks and databases are made of, in octets.
_PAGE = 4096

#: In seconds: until imapsync gives up a connection of which nothing comes, and more.
_STALLED = 700

#: How a database is refused.
_REFUSED = (StateError.code, StateDamaged.code, StateUnavailable.code)

#: Has the clock of a program jump.
FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")

Strike = Callable[[Trial, random.Random, int], Awaitable["bool | Outcome"]]


@dataclass(frozen=True)
class Kind:
    """
    A kind of fault.

    @ivar title: for people.
    @ivar strike: runs the program with one, and tells whether there was one, or
        what came of it, if the program is not to run on.
    @ivar count: how often it is tried, if nothing else is said; 0, until there is
        none any more.
    @ivar offers: whether servers offer this and that.
    @ivar slow: whether it mostly waits.
    @ivar alone: whether it hurts the servers themselves.
    @ivar anyone: whether other programs can be struck so, too.
    @ivar known: whether messages may be doubled.
    @ivar possible: whether it can be done here.
    """

    title: str
    strike: Strike
    count: int = 1000
    offers: bool = False
    slow: bool = False
    alone: bool = False
    anyone: bool = False
    known: bool = False
    possible: Callable[[], bool] = lambda: True


async def tried(
    laboratory: Laboratory, kind: Kind, name: str, seed: int, logs: Path | None = None
) -> Outcome:
    """
    Try it once; the same seed tries the same.

    @param logs: where to leave the files of a trial that went wrong.
    """
    rng = random.Random(f"{name} {seed}")
    offer = laboratory.offered(rng if kind.offers else None)
    servers = laboratory.taken() if kind.alone else laboratory.servers(offer)
    trial = await laboratory.trial(offer, servers)
    try:
        struck = await kind.strike(trial, rng, seed)
        if isinstance(struck, Outcome):
            outcome = struck
        else:
            outcome = await trial.settled(struck)
        if logs is not None and not outcome.isGood:
            left = logs / f"{laboratory.program.name}-{name}-{seed}"
            shutil.copytree(trial.scene.directory, left, dirs_exist_ok=True)
        return outcome
    finally:
        await trial.close()
        if kind.alone:
            laboratory.giveBack(servers)


async def each(
    numbers: Iterator[int], workers: int, act: Callable[[int], Awaitable[None]]
) -> None:
    """
    Do C{act} with each number, several at a time.
    """

    async def work() -> None:
        for number in numbers:
            await act(number)

    await together([Deferred.fromCoroutine(work()) for _ in range(workers)])


async def _killed(trial: Trial, rng: random.Random, number: int) -> bool:
    """
    At any moment since the first octet came.
    """
    course = await trial.laboratory.course(trial.offer)
    moment = rng.uniform(0, course.seconds)
    process = trial.begin()
    trial.story.append(f"killed after {moment:.3f} s")
    _soon(trial, moment, process.kill)
    code = await trial.joined(process)
    trial.expect(code, 0, -signal.SIGKILL)
    return code == -signal.SIGKILL


def _soon(trial: Trial, seconds: float, act: Callable[[], Any]) -> None:
    """
    Do it so long after the first octet of the local server.
    """
    reactor = trial.laboratory.reactor
    later = partial(reactor.callLater, seconds, act)
    trial.relays[Side.LOCAL].at(Way.FROM_SERVER, 1, later)


async def _atCommit(trial: Trial, rng: random.Random, number: int) -> bool:
    """
    Before or after one; at each in turn.
    """
    commit, after = divmod(number - 1, 2)
    trial.story.append(f"killed {'after' if after else 'before'} commit {commit + 1}")
    code = await deferToThread(killedAtCommit, trial.scene, commit + 1, bool(after))
    trial.expect(code, 0, -signal.SIGKILL)
    return code != 0


def _connection(act: Callable[[Relay], None], patience: float) -> Strike:
    async def strike(trial: Trial, rng: random.Random, number: int) -> bool:
        course = await trial.laboratory.course(trial.offer)
        side, way = rng.choice(list(Side)), rng.choice(list(Way))
        octets = anywhere(rng, course.traffic[side][way], trial.offer)
        trial.story.append(f"{octets} octets {way.value}, {side}")
        struck: list[bool] = []

        def now() -> None:
            struck.append(True)
            act(trial.relays[side])

        process = trial.begin()
        trial.relays[side].at(way, octets, now)
        code = await trial.joined(process, patience)
        # Others do not try again, and may end as they like.
        any_ = {*range(-64, 256)} - {-signal.SIGKILL}
        trial.expect(code, *((0, Lost.code) if trial.program.whole else any_))
        return bool(struck)

    return strike


async def _serversKilled(trial: Trial, rng: random.Random, number: int) -> bool:
    """
    They are started again soon after.
    """
    course = await trial.laboratory.course(trial.offer)
    moment, pause = rng.uniform(0, course.seconds), rng.uniform(0, 3)
    sides = rng.choice(([Side.LOCAL], [Side.REMOTE], [*Side]))
    trial.story.append(f"{sides} after {moment:.3f} s, for {pause:.1f} s")
    struck: list[Deferred[None]] = []
    over = False

    def restart() -> None:
        for side in sides:
            trial.servers[side].restart()

    def kill() -> None:
        if over:
            return
        for side in sides:
            trial.servers[side].kill()
        struck.append(deferLater(trial.laboratory.reactor, pause, restart))

    process = trial.begin()
    _soon(trial, moment, kill)
    trial.expect(await trial.joined(process), 0, 1, Lost.code)
    over = True
    for restarted in struck:
        await restarted
    trial.scene.reconnect()
    return bool(struck)


async def _databaseFull(trial: Trial, rng: random.Random, number: int) -> bool:
    """
    It is on a disk of its own, which has a bit more room each time, and then more.
    """
    scene, disk = trial.scene, trial.scene.directory / "disk"
    room = _PAGE * ((number + 1) ** 2 // 16)
    trial.story.append(f"{room} octets of room")
    disk.mkdir()
    used = _PAGE * -(-scene.database.stat().st_size // _PAGE)
    trial.mount(disk, used + room)
    scene.database = Path(shutil.move(scene.database, disk))
    code = await trial.joined(trial.begin())
    trial.expect(code, 0, StateError.code)
    trial.resize(disk)
    return code != 0


async def _serverFull(trial: Trial, rng: random.Random, number: int) -> bool:
    """
    The mail of one side is on a disk of its own, likewise.
    """
    side = list(Side)[number % 2]
    room = number // 2 * 2 * _PAGE
    trial.story.append(f"{room} octets of room, {side}")
    home = trial.servers[side].directory / "mail" / trial.scene.user
    aside = trial.scene.directory / "mail"
    children.done(["cp", "-a", home, aside])
    trial.mount(home, 1 << 30)
    children.done(["cp", "-a", f"{aside}/.", home])
    usage = os.statvfs(home)
    used = (usage.f_blocks - usage.f_bfree) * usage.f_frsize
    trial.resize(home, used + room)
    trial.scene.reconnect()
    code = await trial.joined(trial.begin())
    trial.expect(code, 0, 1, Lost.code)
    trial.resize(home)
    return code != 0


async def _damaged(trial: Trial, rng: random.Random, number: int) -> bool | Outcome:
    """
    It is refused, or all is as if it were not damaged.

    What is no database of ours is not touched, and nothing is done.  Damage may be
    found in the midst of a run, after which no message is missing.
    """
    database = trial.scene.database
    name, damage, foreign = rng.choice(_DAMAGES)
    trial.story.append(name)
    database.write_bytes(damage(rng, database.read_bytes()))
    before = await deferToThread(trial.snapshots), database.read_bytes()
    # Nobody who does not ask for it gets to see a traceback.
    run = await deferToThread(trial.scene.sync)
    trial.expect(run.code, *([0] * (not foreign)), *_REFUSED)
    if run.code == 0:
        return True
    trial.story += run.complaints
    after = await deferToThread(trial.snapshots), database.read_bytes()
    found = trial.world.judged(after[0])
    other = []
    if foreign and before != after:
        other.append("something was changed")
    if len(run.complaints) != 1 or "Traceback" in run.errors:
        other.append(f"not one line: {run.tail}")
    verdict = Verdict(found.lost, found.doubled, other=other)
    return Outcome(True, verdict.isGood, verdict, trial.codes, trial.story)


def _overwritten(count: int, rng: random.Random, octets: bytes) -> bytes:
    begin = rng.randrange(len(octets))
    new = octets[:begin] + rng.randbytes(count) + octets[begin + count :]
    return new[: len(octets)]


def _truncated(piece: int, rng: random.Random, octets: bytes) -> bytes:
    return octets[: piece * rng.randrange(1, len(octets) // piece)]


def _appended(rng: random.Random, octets: bytes) -> bytes:
    return octets + rng.randbytes(rng.randrange(1, 9000))


def _noDatabase(rng: random.Random, octets: bytes) -> bytes:
    return rng.randbytes(rng.randrange(1, 9000))


def _flipped(rng: random.Random, octets: bytes) -> bytes:
    data = bytearray(octets)
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def _blank(rng: random.Random, octets: bytes) -> bytes:
    begin = _PAGE * rng.randrange(len(octets) // _PAGE)
    return octets[:begin] + bytes(_PAGE) + octets[begin + _PAGE :]


def _foreign(rng: random.Random, octets: bytes) -> bytes:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "state.db")
        with closing(sqlite3.connect(path)) as other, other:
            other.execute("CREATE TABLE mailbox (id INTEGER PRIMARY KEY, name TEXT)")
            other.execute("INSERT INTO mailbox VALUES (1, 'INBOX')")
        return path.read_bytes()


def _newer(rng: random.Random, octets: bytes) -> bytes:
    return octets[:60] + (999).to_bytes(4, "big") + octets[64:]


#: What it is, how it is made, and whether there is nothing of ours in it any more.
_DAMAGES: tuple[tuple[str, Callable[[random.Random, bytes], bytes], bool], ...] = (
    ("a bit flipped", _flipped, False),
    ("100 octets overwritten", partial(_overwritten, 100), False),
    ("5 000 octets overwritten", partial(_overwritten, 5000), False),
    ("a page zeroed", _blank, False),
    ("truncated between pages", partial(_truncated, _PAGE), False),
    ("truncated", partial(_truncated, 1), False),
    ("octets appended", _appended, False),
    ("another program's", _foreign, True),
    ("a later version's", _newer, True),
    ("no database", _noDatabase, True),
)


async def _twice(trial: Trial, rng: random.Random, number: int) -> bool:
    """
    One of them is refused, if the other is still at work.
    """
    course = await trial.laboratory.course(trial.offer)
    first = trial.begin()
    await deferLater(trial.laboratory.reactor, rng.uniform(0, course.seconds / 2))
    second = trial.program.begin(trial.scene, trial.log())
    codes = [await trial.joined(first), await trial.joined(second)]
    trial.expect(min(codes), 0)
    trial.expect(max(codes), 0, StateUnavailable.code)
    return StateUnavailable.code in codes


async def _apart(trial: Trial, rng: random.Random, number: int) -> bool:
    """
    Each has its own database.
    """
    course = await trial.laboratory.course(trial.offer)
    scene = trial.scene
    first = trial.begin()
    other = scene.directory / "other"
    other.mkdir()
    shutil.copy(scene.database, other / "state.db")
    file = other / "config"
    file.write_text(
        scene.file.read_text().replace(str(scene.database), f"{other}/state.db")
    )
    file.chmod(0o600)
    await deferLater(trial.laboratory.reactor, rng.uniform(0, course.seconds))
    arguments = ["--oneshot", f"--config={file}"]
    second = launched(arguments, scene.directory, Path(os.devnull), trial.log())
    for process in first, second:
        trial.expect(await trial.joined(process), 0, 1)
    return True


async def _jumped(trial: Trial, rng: random.Random, number: int) -> bool:
    """
    The clock, by some hours or days, either way.
    """
    course = await trial.laboratory.course(trial.offer)
    moment = rng.uniform(0, course.seconds)
    hours = rng.choice((-1, 1)) * rng.uniform(0.1, 72)
    trial.story.append(f"{hours:+.1f} hours after {moment:.3f} s")
    trial.relay()
    directory = trial.scene.directory
    clock, new = directory / "clock", directory / "new"
    clock.write_text("+0")
    new.write_text(f"{3600 * hours:+.0f}")
    struck: list[bool] = []

    def jump() -> None:
        new.replace(clock)
        struck.append(True)

    _soon(trial, moment, jump)
    environ = {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }
    with trial.log().open("wb") as log:
        process = children.begun(
            [*PROGRAM, "--oneshot", "--debug", f"--config={trial.scene.file}"],
            stdin=children.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, **environ},
        )
        code = await deferToThread(children.ended, process)
    trial.expect(code, 0, Lost.code)
    return bool(struck)


def _isRoot() -> bool:
    return os.getuid() == 0


KINDS = {
    "commit": Kind("killed (SIGKILL) before and after each commit", _atCommit, 0),
    "kill": Kind("killed (SIGKILL) at any moment", _killed, offers=True, anyone=True),
    "reset": Kind(
        "a connection reset (RST) after any number of octets",
        _connection(Relay.reset, children.PATIENCE),
        offers=True,
        anyone=True,
    ),
    "close": Kind(
        "a connection closed (FIN) after any number of octets",
        _connection(Relay.cut, children.PATIENCE),
        offers=True,
        anyone=True,
    ),
    "stall": Kind(
        "a connection on which nothing comes any more, after any number of octets",
        _connection(Relay.stall, _STALLED),
        100,
        offers=True,
        slow=True,
    ),
    "servers": Kind(
        "servers killed (SIGKILL) and started again", _serversKilled, 200, alone=True
    ),
    "database": Kind(
        "the disk of the database full, at each size",
        _databaseFull,
        0,
        possible=_isRoot,
    ),
    "storage": Kind(
        "the disk of a server full, at each size", _serverFull, 60, possible=_isRoot
    ),
    "damage": Kind("a database damaged, cut off, or another one", _damaged),
    "twice": Kind("two runs at a time", _twice, 200),
    "apart": Kind(
        "two runs at a time, each with a database of its own", _apart, 200, known=True
    ),
    "clock": Kind(
        "the clock jumps by hours, either way", _jumped, 200, possible=FAKETIME.exists
    ),
}
