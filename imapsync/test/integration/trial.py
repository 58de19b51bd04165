"""
A program that makes two accounts equal, a fault in the midst of it, and what the
next runs make of that.

All trials of a program begin with copies of the same two accounts, which were equal
once, and have been changed on both sides since: L{imapsync.test.integration.world}.
"""

from __future__ import annotations

import os
import random
import re
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.threads import deferToThread

from imapsync.model import Side
from imapsync.test import children
from imapsync.test.integration import pipe
from imapsync.test.integration.accounts import CommandFailed, Snapshot
from imapsync.test.integration.dovecot import REQUIRED, Dovecot, Settings
from imapsync.test.integration.filtered import filtered
from imapsync.test.integration.relay import Relay, Way
from imapsync.test.integration.scene import Run, Scene, launched
from imapsync.test.integration.server import PASSWORD, Server, owner
from imapsync.test.integration.world import Verdict, World, cleaned

T = TypeVar("T")

#: A local and a remote server.
Pair = tuple[Server, Server]

#: How often a program may run until it has nothing left to do.
_RUNS = 3

#: Nothing is taken away from servers.
_STRAIGHT = ("QRESYNC", "QRESYNC")

#: What servers offer besides, whatever else they do.
_USUAL = "SASL-IR ID IDLE UNSELECT ESEARCH NAMESPACE NOTIFY SPECIAL-USE"

#: As C{sys.executable} runs it fastest.
_TUNNEL = f"{sys.executable} -S -I {pipe.__file__} {{}}.port"


class Offer(NamedTuple):
    """
    What both servers offer, and how they are reached.

    @ivar transport: C{imap}, C{imaps} or C{tunnel}.
    """

    literal: bool = True
    multiappend: bool = True
    move: bool = True
    compress: bool = False
    transport: str = "imap"

    def plain(self) -> Offer:
        """
        Likewise, neither compressed nor by other ways.
        """
        return self._replace(compress=False, transport="imap")

    @property
    def capability(self) -> str:
        """
        The words that tell it.
        """
        words = {
            "LITERAL+": self.literal,
            "MULTIAPPEND": self.multiappend,
            "MOVE": self.move,
            "COMPRESS=DEFLATE": self.compress,
        }
        return " ".join([REQUIRED, _USUAL, *(word for word in words if words[word])])

    def __str__(self) -> str:
        words = [word for word in self._fields[:4] if getattr(self, word)]
        return " ".join([self.transport, *words])


#: All that there are.
OFFERS = tuple(
    Offer(literal, multiappend, move, compress, transport)
    for literal, multiappend, move, compress in product((True, False), repeat=4)
    for transport in ("imap", "imaps", "tunnel")
)


class Program(Protocol):
    """
    What makes two accounts equal.

    @ivar whole: whether it carries over that mailboxes are renamed and deleted.
    """

    name: str
    whole: bool

    def configure(self, scene: Scene, ports: Mapping[Side, int], offer: Offer) -> None:
        """
        Write what it needs to reach both accounts by these ports.
        """

    def begin(self, scene: Scene, log: Path) -> Any:
        """
        Start a run, which writes to C{log}.

        @return: a process that can be killed.
        """

    def joined(self, process: Any, patience: float) -> int:
        """
        Wait for its end.

        @return: the exit code.
        """

    def busy(self, scene: Scene, run: Run) -> list[str]:
        """
        What a run that had nothing to do did to the servers, as far as it tells.
        """


class Imapsync:
    """
    Ours.
    """

    name = "imapsync"
    whole = True

    def configure(self, scene: Scene, ports: Mapping[Side, int], offer: Offer) -> None:
        """
        In its own file.
        """
        options: dict[str, dict[str, str | None]] = {}
        for side, port in ports.items():
            compress = "YES" if offer.compress else "NO"
            if offer.transport == "tunnel":
                scene.directory.joinpath(f"{side}.port").write_text(str(port))
                own = scene.tunnel(_TUNNEL.format(side))
                own |= {"username": scene.user, "password": PASSWORD}
            else:
                own = {"type": offer.transport, "port": str(port)}
            if offer.transport == "imaps":
                own |= {"STARTTLS": None, "SSL_verify_trusted_peer": "NO"}
            options[str(side)] = {**own, "compress": compress}
        scene.options = options
        scene.configure(options)

    def begin(self, scene: Scene, log: Path) -> Any:
        """
        Forked.
        """
        arguments = ["--oneshot", "--debug", f"--config={scene.file}"]
        return launched(arguments, scene.directory, Path(os.devnull), log)

    def joined(self, process: Any, patience: float) -> int:
        """
        As one that was forked.
        """
        return children.joined(process, patience)

    def busy(self, scene: Scene, run: Run) -> list[str]:
        """
        It logs all commands.
        """
        return scene.excess(run)


@dataclass(frozen=True)
class Outcome:
    """
    How a trial ended.

    @ivar struck: whether there was a fault at all; else it does not count.
    @ivar equal: whether all was as it should be after one more run.
    @ivar verdict: what is wrong when the program has nothing left to do.
    @ivar codes: exit codes that should not have been.
    @ivar story: for people.
    """

    struck: bool
    equal: bool
    verdict: Verdict
    codes: list[str]
    story: list[str]

    @property
    def isGood(self) -> bool:
        """
        Whether all went well.
        """
        return self.equal and self.verdict.isGood and not self.codes


class Course(NamedTuple):
    """
    What goes on in a run without a fault: how many seconds it takes from the first
    octet on, and what goes which way.
    """

    seconds: float
    traffic: Mapping[Side, Mapping[Way, bytes]]


class Laboratory:
    """
    Where trials of one program are made.

    @param reactor: in which relays run.
    @ivar offers: of which chance has one for each trial.
    @param ways: what the local and the remote server are without: presets.
    """

    def __init__(
        self,
        reactor: Any,
        program: Program,
        offers: Sequence[Offer] = OFFERS,
        ways: tuple[str, str] = _STRAIGHT,
    ) -> None:
        self.reactor = reactor
        self.program = program
        self.offers = offers
        self._ways = ways
        self._servers: dict[str, Pair] = {}
        self._free: list[Pair] = []
        self._all: list[Server] = []
        self._bases: dict[str, tuple[Scene, World]] = {}
        self._courses: dict[Offer, Course] = {}
        self._lock = DeferredLock()

    def close(self) -> None:
        """
        End all servers.
        """
        for scene, _ in self._bases.values():
            scene.close()
        for server in self._all:
            server.close()

    def offered(self, chance: random.Random | None) -> Offer:
        """
        What servers offer in a trial.

        @param chance: has one of those that there are; else it is the usual one.
        """
        offer = chance.choice(self.offers) if chance else Offer()
        isPlain = self._ways != _STRAIGHT or not self.program.whole
        return offer.plain() if isPlain else offer

    def servers(self, offer: Offer) -> Pair:
        """
        The local and the remote one.
        """
        if offer.capability not in self._servers:
            self._servers[offer.capability] = self._made(offer.capability)
        return self._servers[offer.capability]

    def taken(self) -> Pair:
        """
        Likewise, two that nobody else uses until they are given back.
        """
        return self._free.pop() if self._free else self._made(Offer().capability)

    def giveBack(self, servers: Pair) -> None:
        """
        They are not needed any more.
        """
        self._free.append(servers)

    def _made(self, capability: str) -> Pair:
        both = (
            Dovecot(Settings("mdbox", "/", capability=capability)),
            Dovecot(Settings("maildir", ".", capability=capability)),
        )
        local, remote = map(filtered, both, self._ways)
        self._all += dict.fromkeys([local, remote, *both])
        return local, remote

    async def trial(self, offer: Offer, servers: Pair) -> Trial:
        """
        Prepare one.
        """
        scene, world = await self._lock.run(_coroutine(self._base, offer.transport))
        copy = await deferToThread(scene.copied, *servers)
        return Trial(self, copy, deepcopy(world), offer)

    async def course(self, offer: Offer) -> Course:
        """
        What happens if nothing happens.
        """
        return await self._lock.run(_coroutine(self._course, offer))

    async def _base(self, transport: str) -> tuple[Scene, World]:
        if transport not in self._bases:
            offer = Offer(transport=transport)
            self._bases[transport] = await deferToThread(
                self._filled, Scene(*self.servers(offer)), offer
            )
        return self._bases[transport]

    def _filled(self, scene: Scene, offer: Offer) -> tuple[Scene, World]:
        world = World(self.program.whole)
        world.fill(scene.local)
        self.program.configure(scene, portsOf(scene, offer), offer)
        for _ in range(2):
            run = ran(self.program, scene)
            if run.code:
                raise RuntimeError(f"{self.program.name}: {run.code} {run.tail}")
        verdict = world.judged(account.snapshot(cleaned) for account in scene.accounts)
        if not verdict.isGood:
            raise RuntimeError(f"{self.program.name}: {verdict}")
        world.change(scene.accounts)
        return scene, world

    async def _course(self, offer: Offer) -> Course:
        if offer not in self._courses:
            scene, world = await self._base(offer.transport)
            copy = await deferToThread(scene.copied, *self.servers(offer))
            trial = Trial(self, copy, deepcopy(world), offer)
            try:
                self._courses[offer] = await trial.undisturbed()
            finally:
                await trial.close()
        return self._courses[offer]


def _coroutine(
    function: Callable[..., Coroutine[Any, Any, T]], *values: Any
) -> Callable[[], Deferred[T]]:
    return lambda: Deferred.fromCoroutine(function(*values))


@dataclass
class Trial:
    """
    One of them.

    @ivar codes: exit codes that should not have been.
    @ivar story: what was done.
    """

    laboratory: Laboratory
    scene: Scene
    world: World
    offer: Offer
    codes: list[str] = field(default_factory=list)
    story: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.story.append(str(self.offer))
        self.relays: dict[Side, Relay] = {}
        self.program = self.laboratory.program
        self._numbers = 0
        self._mounted: list[Path] = []

    @property
    def servers(self) -> dict[Side, Any]:
        """
        Both.
        """
        return {
            Side.LOCAL: self.scene.localServer,
            Side.REMOTE: self.scene.remoteServer,
        }

    async def close(self) -> None:
        """
        Leave nothing.
        """
        for relay in self.relays.values():
            await relay.close()
        await deferToThread(self._remove)

    def _remove(self) -> None:
        for path in self._mounted:
            children.done(["umount", "--lazy", path])
        self.scene.close()
        for server in self.servers.values():
            home = server.directory / "mail" / self.scene.user
            children.done(["rm", "-rf", str(home)])

    def mount(self, path: Path, octets: int) -> None:
        """
        Have a disk of its own be there until the trial is over.
        """
        user = owner()
        size = f"size={octets},uid={user.pw_uid},gid={user.pw_gid}"
        children.done(["mount", "-t", "tmpfs", "-o", size, "none", path])
        self._mounted.append(path)

    def resize(self, path: Path, octets: int = 1 << 30) -> None:
        """
        Have that disk be larger, or smaller.
        """
        children.done(["mount", "-o", f"remount,size={octets}", path])

    def begin(self) -> Any:
        """
        Start a run by relays.
        """
        self.relay()
        return self.program.begin(self.scene, self.log())

    def relay(self) -> None:
        """
        Have the next run go by relays.
        """
        ports = portsOf(self.scene, self.offer)
        self.relays = {
            side: Relay(self.laboratory.reactor, server, ports[side])
            for side, server in self.servers.items()
        }
        relayed = {side: relay.port for side, relay in self.relays.items()}
        self.program.configure(self.scene, relayed, self.offer)

    def log(self) -> Path:
        """
        A name for one more.
        """
        self._numbers += 1
        return self.scene.directory / f"log{self._numbers}"

    def logs(self) -> Iterator[Path]:
        """
        Those of all runs so far.
        """
        for number in range(1, self._numbers + 1):
            yield self.scene.directory / f"log{number}"

    async def joined(self, process: Any, patience: float = children.PATIENCE) -> int:
        """
        Wait for the end of a run.
        """
        return await deferToThread(self.program.joined, process, patience)

    def expect(self, code: int, *codes: int) -> None:
        """
        That was an exit code, and only these should have been.
        """
        self.story.append(f"exit code {code}")
        if code not in codes:
            self.codes.append(str(code))

    async def undisturbed(self) -> Course:
        """
        Run without a fault.

        @raise RuntimeError: if not all is as it should be then.
        """
        began: list[float] = []
        process = self.begin()
        first = self.relays[Side.LOCAL]
        first.at(Way.FROM_SERVER, 1, lambda: began.append(time.monotonic()))
        self.expect(await self.joined(process), 0)
        seconds = time.monotonic() - began[0]
        traffic = {
            side: {way: bytes(octets) for way, octets in relay.passed.items()}
            for side, relay in self.relays.items()
        }
        outcome = await self.settled()
        if not outcome.verdict.isGood or outcome.codes:
            raise RuntimeError(f"without a fault, {self.program.name}: {outcome}")
        return Course(seconds, traffic)

    async def settled(self, struck: bool = True) -> Outcome:
        """
        Run on, without faults, until nothing is left to do.
        """
        for relay in self.relays.values():
            await relay.close()
        self.relays = {}
        return await deferToThread(self._settled, struck)

    def run(self) -> Run:
        """
        Run without a fault.
        """
        ports = portsOf(self.scene, self.offer)
        self.program.configure(self.scene, ports, self.offer)
        return ran(self.program, self.scene, self.log())

    def snapshots(self) -> list[Snapshot]:
        """
        What both accounts hold.
        """
        try:
            return [account.snapshot(cleaned) for account in self.scene.accounts]
        except (CommandFailed, OSError):
            self.scene.reconnect()
            return [account.snapshot(cleaned) for account in self.scene.accounts]

    def _settled(self, struck: bool) -> Outcome:
        before: list[Snapshot] = []
        verdicts: list[Verdict] = []
        other = ["there was always more to do"]
        for number in range(_RUNS):
            run = self.run()
            self.expect(run.code, 0)
            found = self.snapshots()
            verdicts.append(self.world.judged(found))
            self.story += [f"{verdicts[-1]}"] * (not verdicts[-1].isGood)
            if not run.code and found == before:
                busy = self.program.busy(self.scene, run) if number == 1 else []
                other = [f"there was more to do: {busy}"] if busy else []
                break
            before = found
        last = verdicts[-1]
        return Outcome(
            struck,
            verdicts[0].isGood,
            replace(last, other=[*last.other, *other]),
            self.codes,
            self.story,
        )


def ran(program: Program, scene: Scene, log: Path | None = None) -> Run:
    """
    Run a program once.
    """
    log = log or scene.directory / "log"
    code = program.joined(program.begin(scene, log), children.PATIENCE)
    return Run(code, "", log.read_text("utf-8", "replace"))


def portsOf(scene: Scene, offer: Offer) -> dict[Side, int]:
    """
    Where the servers are.
    """
    servers = (scene.localServer, scene.remoteServer)
    tls = offer.transport == "imaps"
    ports = (server.tlsPort if tls else server.port for server in servers)
    return dict(zip(Side, ports, strict=True))


def pieces(octets: bytes, offer: Offer) -> list[int]:
    """
    Where the records of TLS begin, or the compressed blocks, or the lines.
    """
    if offer.transport == "imaps":
        return [*_records(octets)]
    end = rb"\x00\x00\xff\xff" if offer.compress else rb"\r\n"
    return [0, *(found.end() for found in re.finditer(end, octets))]


def _records(octets: bytes) -> Iterator[int]:
    begin = 0
    while begin < len(octets):
        yield begin
        begin += 5 + int.from_bytes(octets[begin + 3 : begin + 5], "big")


def anywhere(rng: random.Random, octets: bytes, offer: Offer) -> int:
    """
    A number of octets, after which something is to happen: half of the time any, and
    else in any piece, since most octets are within few.
    """
    if rng.random() < 0.5:
        return rng.randrange(1, len(octets))
    begins = sorted({*pieces(octets, offer), len(octets)})
    number = rng.randrange(len(begins) - 1)
    return rng.randrange(begins[number], begins[number + 1])
