"""
What live imapsync makes of faults, while both sides change.

usage: python -m benchmarks.faults [--tls] [FAULT ...]

A part of a fault's name is enough; with --tls, all goes over TLS and compressed.
Each fault has accounts and an imapsync of its own, on private Dovecots, and all go
on at the same time, because they mostly wait; some wait for imapsync's longest
time-out, which is 20 minutes.  Messages come, get flags, are moved and expunged,
before, during and after the fault.  Told are how many seconds it took from the
beginning of the fault until imapsync noticed it, and from its end until both sides
were equal; whether a message was lost or doubled; what was logged (lines, and
tracebacks); by how many MiB imapsync grew; and how it ended when it got SIGTERM
in the midst of the same fault.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path

from benchmarks.soak import MAILBOXES, configuration, equal, memory
from imapsync.test.integration.accounts import Account, CommandFailed, Mail
from imapsync.test.integration.dovecot import Dovecot, Settings
from imapsync.test.integration.server import freshUser

#: Changes a second.
RATE = 1.5

TLS = "--tls" in sys.argv

#: After so many seconds it will never be equal.
PATIENCE = 1500.0

#: What begins after some octets.
_LATER = ("response", "reset", "close")

#: What ends with the connection.
_ENDING = ("reset", "close")

#: What a server says that is no IMAP, or not what it should be, and about what.
_ODD = (
    b"* VANISHED (EARLIER) \r\n",
    b'* LIST () "/" Body[2024]-bills\r\n',
    b"* OK [COPYUID 1 x:y (] odd\r\n",
    b"* OK [ALERT] The same again.\r\n",
    b"* 7 FETCH (UID 0 FLAGS (a)b \\))\r\n",
    b"* WHATEVER {3}\r\n\x00\xff)\r\n",
)

#: The last line of an answer: nothing of a literal.
_ANSWERED = re.compile(rb"(?:\A|\r\n)[0-9A-F]+ OK [^\r\n]*\r\n\Z")

_LITERAL = re.compile(rb"(?:BODY\[\]|APPEND)[^\r\n]*\{\d+\+?\}\r\n")


class Treatment:
    """
    What befalls the octets on one connection.

    @ivar dead: whether some were dropped: what comes after them is, too.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._room: int | None = None
        self.dead = False

    def passing(self, data: bytes, mode: str) -> bytes:
        """
        What of it still passes.
        """
        if mode == "hole":
            self._room = 0
        elif mode in _LATER and self._room is None:
            self._room = int(10 ** self._rng.uniform(1, 5))
        elif mode == "literal" and (found := _LITERAL.search(data)):
            self._room = self._room or found.end() + 30
        if self.dead or self._room is None or mode in ("pass", "stall"):
            return b"" if self.dead else data
        room, self._room = self._room, self._room - len(data)
        self.dead = room < len(data)
        return data[:room]


class Relay:
    """
    Passes connections on to C{server} as L{mode} has it: C{pass}; C{hole}, where
    all is taken and nothing comes out, on new connections neither; C{response} and
    C{literal}, the same, beginning in the midst of one; C{stall}, where nothing is
    taken until it passes again; C{trickle}, an octet at a time; C{reset} and
    C{close}, after some octets; C{refuse}, where nobody may log in, as if too many
    were there; C{odd}, where answers are followed by such as nobody understands, unless
    all is encrypted.

    What was dropped once on a connection is missing: it stays dead.
    """

    host = "127.0.0.1"

    def __init__(self, server: Dovecot, loop: asyncio.AbstractEventLoop) -> None:
        self._server = server
        self._serverPort = server.tlsPort if TLS else server.port
        self._rng = random.Random(7)
        self._mode = "pass"
        serving = asyncio.start_server(self._serve, self.host, 0)
        listening = asyncio.run_coroutine_threadsafe(serving, loop).result()
        self.port: int = listening.sockets[0].getsockname()[1]

    def become(self, mode: str) -> None:
        """
        Treat all connections otherwise from now on.
        """
        self._mode = mode

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if self._mode == "hole":
            with suppress(OSError):
                while await reader.read(65536):
                    pass
            writer.close()
            return
        if self._mode == "refuse":
            with suppress(OSError):
                await self._refuse(reader, writer)
            writer.close()
            return
        host, port = self._server.host, self._serverPort
        try:
            back, on = await asyncio.open_connection(host, port)
        except OSError:
            writer.transport.abort()
            return
        treatment, both = Treatment(self._rng), (writer, on)
        await asyncio.gather(
            self._pump(reader, on, treatment, both),
            self._pump(back, writer, treatment, both),
        )

    async def _refuse(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.write(b"* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n")
        while line := await reader.readline():
            tag, *_ = line.split(b" ")
            writer.write(tag + b" NO Too many open connections\r\n")
            await writer.drain()

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        treatment: Treatment,
        both: Sequence[asyncio.StreamWriter],
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                while self._mode == "stall":
                    await asyncio.sleep(0.05)
                await self._pass(data, writer, treatment, both)
        if not treatment.dead:
            for each in both:
                each.close()

    async def _pass(
        self,
        data: bytes,
        writer: asyncio.StreamWriter,
        treatment: Treatment,
        both: Sequence[asyncio.StreamWriter],
    ) -> None:
        if self._mode == "trickle" and not treatment.dead:
            for octet in data:
                writer.write(bytes([octet]))
                await writer.drain()
                await asyncio.sleep(0.001 if self._mode == "trickle" else 0)
            return
        if passing := treatment.passing(data, self._mode):
            writer.write(passing)
            if self._mode == "odd" and _ANSWERED.search(passing):
                writer.write(self._rng.choice(_ODD))
            await writer.drain()
        if self._mode == "refuse" or (treatment.dead and self._mode in _ENDING):
            for each in both:
                each.transport.abort() if self._mode == "reset" else each.close()


class Ledger:
    """
    Changes both accounts of a user, and knows what must be there in the end.

    Messages that are moved are moved on one side only and never expunged, so that
    it is certain what is to become of each.
    """

    def __init__(self, servers: Sequence[Dovecot], user: str, seed: int) -> None:
        self._servers = servers
        self._user = user
        self._accounts: dict[int, Account] = {}
        self._rng = random.Random(seed)
        self._seed = seed
        self._count = 0
        self.there: dict[str, str] = {}
        self.gone: dict[str, str] = {}
        self.unsure: set[str] = set()
        self.sides: Sequence[int] = (0, 1)

    def account(self, side: int) -> Account:
        """
        One that is logged in.
        """
        if side not in self._accounts:
            self._accounts[side] = self._servers[side].account(self._user)
        return self._accounts[side]

    def accounts(self) -> list[Account]:
        """
        Both.
        """
        return [self.account(0), self.account(1)]

    def forget(self) -> None:
        """
        Log in anew.
        """
        self._accounts.clear()

    def change(self) -> None:
        """
        Change something, if the server lets us.
        """
        side = self._rng.choice(self.sides)
        with suppress(CommandFailed):
            try:
                self._change(self.account(side), side)
            except (OSError, CommandFailed):
                self._accounts.pop(side, None)
                raise CommandFailed from None

    def _change(self, account: Account, side: int) -> None:
        rng, mailbox = self._rng, self._rng.choice(MAILBOXES)
        kind = rng.choices(("append", "flag", "move", "expunge"), (5, 6, 2, 3))[0]
        if kind == "append":
            self._append(account, mailbox)
            return
        role = {"flag": "", "move": "rover", "expunge": "mortal"}[kind]
        if kind == "move" and side:
            return
        rows = account._within("EXAMINE", mailbox, f'UID SEARCH SUBJECT "{role}"')
        [found] = [row for row in rows if row.text.startswith(b"* SEARCH")]
        uids = found.text.split()[2:]
        if not uids:
            return
        uid = int(rng.choice(uids))
        if kind == "flag":
            flag = rng.choice(("\\Seen", "\\Flagged", "\\Answered", "Red"))
            account.store(mailbox, [uid], f"{rng.choice('+-')}FLAGS ({flag})")
        elif kind == "move":
            account.move(mailbox, [uid], rng.choice(MAILBOXES))
        else:
            what = f"UID FETCH {uid} BODY.PEEK[]"
            rows = account._within("EXAMINE", mailbox, what)
            digests = [
                sha256(row.literals[0]).hexdigest() for row in rows if row.literals
            ]
            self.unsure.update(digests)
            account.expunge(mailbox, [uid])
            self.unsure.difference_update(digests)
            for digest in digests:
                self.gone[digest] = self.there.pop(digest, "?")

    def fill(self, number: int) -> None:
        """
        Many more messages on both sides.
        """
        for side in self.sides:
            for mailbox in MAILBOXES:
                new = dict(self._new((100, 3000)) for _ in range(number))
                digests = {sha256(body).hexdigest(): n for n, body in new.items()}
                mails = [Mail(body) for body in new.values()]
                self.account(side).fill(mailbox, mails)
                self.there.update(digests)

    def _append(self, account: Account, mailbox: str) -> None:
        name, body = self._new((100, 2000, 20000))
        digest = sha256(body).hexdigest()
        self.unsure.add(digest)
        account.append(mailbox, body)
        self.unsure.discard(digest)
        self.there[digest] = name

    def _new(self, sizes: Sequence[int]) -> tuple[str, bytes]:
        rng = self._rng
        self._count += 1
        name = f"{rng.choice(('rover', 'mortal'))} {self._seed}.{self._count}"
        size = rng.choice(sizes)
        head = f"Message-ID: <{name.replace(' ', '.')}@example>\r\nSubject: {name}\r\n"
        body = f"{head}\r\n".encode() + b"x" * size + b"\r\n"
        return name, body

    def wrong(self) -> list[str]:
        """
        What is lost, doubled or back again.
        """
        found: Counter[str] = Counter()
        for mailbox in MAILBOXES:
            found.update(m.digest for m in self.account(0).messages(mailbox).values())
        lost = [f"lost: {n}" for d, n in self.there.items() if not found[d]]
        again = [f"back: {n}" for d, n in self.gone.items() if found[d]]
        names = {**self.there, **self.gone}
        doubled = [f"doubled: {names.get(d, d)}" for d, n in found.items() if n > 1]
        return [
            line for line in lost + doubled + again if line[-64:] not in self.unsure
        ]


@dataclass
class Outcome:
    """
    How it went.
    """

    fault: str
    noticed: float | None = None
    equal: float | None = None
    wrong: list[str] = field(default_factory=list)
    lines: Counter[str] = field(default_factory=Counter)
    grown: float = 0.0
    ended: str = ""


class Trial:
    """
    An imapsync between two accounts, and a way to hurt it.
    """

    def __init__(
        self, servers: list[Dovecot], relays: list[Relay], where: Path
    ) -> None:
        self.servers = servers
        self.relays = relays
        user = freshUser()
        self.ledger = Ledger(servers, user, int(user[4:]))
        for mailbox in MAILBOXES[1:]:
            self.ledger.account(0).create(mailbox)
        self.file = configuration(where, relays, user, "connections = 3")
        if TLS:
            text = self.file.read_text().replace("type = imap", "type = imaps")
            text = text.replace("compress = NO", "compress = YES\nSSL_verify = NO")
            self.file.write_text(text.replace("STARTTLS = NO\n", ""))
        self.log = where / "log"
        self.start()

    def start(self) -> None:
        """
        Start it.
        """
        command = [sys.executable, "-m", "imapsync", "--debug", f"--config={self.file}"]
        with self.log.open("ab") as errors:
            self.process = subprocess.Popen(command, stderr=errors)

    def logged(self, words: bytes, since: int = 0) -> bool:
        """
        Whether it has said that.
        """
        return words in self.log.read_bytes()[since:]

    def await_(self, condition: Callable[[], bool], seconds: float) -> float | None:
        """
        Wait for something.

        @return: for how long.
        """
        began = time.monotonic()
        while (passed := time.monotonic() - began) < seconds:
            if condition():
                return passed
            time.sleep(0.3)
        return None

    def meddle(self, seconds: float, rate: float = RATE) -> None:
        """
        Change both sides for so long.
        """
        began, count = time.monotonic(), 0
        while (passed := time.monotonic() - began) < seconds:
            time.sleep(min(max(0, count / rate - passed), seconds - passed))
            self.ledger.change()
            count += 1

    def equal(self) -> bool:
        """
        Whether both sides are.
        """
        try:
            return not equal(self.ledger.accounts())
        except (CommandFailed, OSError, TimeoutError):
            self.ledger.forget()
            return False

    def become(self, mode: str, sides: Sequence[int] = (0, 1)) -> None:
        """
        Have relays treat octets so.
        """
        for side in sides:
            self.relays[side].become(mode)


@dataclass(frozen=True)
class Fault:
    """
    Something that goes wrong, and right again.

    @ivar strike: begins it.
    @ivar heal: ends it.
    @ivar seconds: how long it lasts.
    @ivar sides: which accounts change meanwhile.
    @ivar alone: whether it hurts the servers themselves.
    @ivar sign: what imapsync says when it has noticed.
    @ivar term: whether to do it once more, and to send SIGTERM.
    @ivar bulk: how many messages come into each mailbox when it begins.
    @ivar rest: for how long before it there are no changes.
    """

    strike: Callable[[Trial], None]
    heal: Callable[[Trial], None]
    seconds: float = 60.0
    sides: Sequence[int] = (0, 1)
    alone: bool = False
    sign: bytes = b"-> backing off"
    term: bool = True
    bulk: int = 0
    rest: float = 0.0


def _relayed(mode: str, where: Sequence[int] = (0, 1), **more: object) -> Fault:
    def strike(trial: Trial) -> None:
        trial.become(mode, where)

    def heal(trial: Trial) -> None:
        trial.become("pass")

    return Fault(strike, heal, **more)  # type: ignore[arg-type]


def _send(number: int, trial: Trial) -> None:
    trial.process.send_signal(number)


def _group(number: int, sides: Sequence[int], trial: Trial) -> None:
    for side in sides:
        trial.servers[side].signal(number)


def _stop(sides: Sequence[int], trial: Trial) -> None:
    for side in sides:
        trial.servers[side].kill()


def _restart(sides: Sequence[int], trial: Trial) -> None:
    for side in sides:
        trial.servers[side].restart()


def _inTurn(trial: Trial) -> None:
    for side in (0, 1):
        trial.servers[side].kill()
        trial.servers[side].restart()
        trial.meddle(5)


def _killAndStart(longest: float, trial: Trial) -> None:
    rng = random.Random(3)
    for _ in range(20):
        trial.meddle(rng.uniform(0.5, longest + 0.5), 10)
        trial.process.kill()
        trial.process.wait()
        trial.meddle(rng.uniform(0, 0.5), 10)
        trial.start()


def _nothing(_: Trial) -> None:
    pass


FAULTS = {
    "imapsync is stopped (SIGSTOP)": Fault(
        partial(_send, signal.SIGSTOP),
        partial(_send, signal.SIGCONT),
        sign=b"Nothing was seen",
        term=False,
    ),
    "imapsync is killed 20 times": Fault(
        partial(_killAndStart, 3.5), _nothing, 1, sign=b"-> connecting"
    ),
    "a server is stopped (SIGSTOP)": Fault(
        partial(_group, signal.SIGSTOP, (1,)),
        partial(_group, signal.SIGCONT, (1,)),
        sides=(0,),
        alone=True,
    ),
    "both servers are stopped (SIGSTOP)": Fault(
        partial(_group, signal.SIGSTOP, (0, 1)),
        partial(_group, signal.SIGCONT, (0, 1)),
        sides=(),
        alone=True,
    ),
    "a server is stopped (SIGSTOP) for 6 minutes": Fault(
        partial(_group, signal.SIGSTOP, (0,)),
        partial(_group, signal.SIGCONT, (0,)),
        seconds=370,
        sides=(1,),
        alone=True,
        term=False,
    ),
    "the servers restart, one after the other": Fault(
        _inTurn, _nothing, 1, alone=True, term=False
    ),
    "both servers are down": Fault(
        partial(_stop, (0, 1)), partial(_restart, (0, 1)), 20, sides=(), alone=True
    ),
    "black hole to remote": _relayed("hole", (1,)),
    "black hole to both": _relayed("hole"),
    "black hole to remote, only that changes": _relayed(
        "hole", (1,), sides=(1,), rest=10.0
    ),
    "black hole in mid-response": _relayed("response"),
    "black hole in mid-literal": _relayed("literal"),
    "stall": _relayed("stall", (1,)),
    "stall of both for 7 minutes": _relayed("stall", seconds=420.0),
    "an octet at a time": _relayed("trickle"),
    "resets at random": _relayed("reset"),
    "closes at random": _relayed("close"),
    "logins are refused": _relayed("refuse", (1,)),
    "odd answers": _relayed("odd", sign=b"odd", term=False),
    "bulk: black hole": _relayed("hole", bulk=500),
    "bulk: black hole in mid-response": _relayed("response", bulk=500),
    "bulk: stall": _relayed("stall", bulk=500),
    "bulk: resets at random": _relayed("reset", bulk=500),
    "bulk: closes at random": _relayed("close", bulk=500),
    "bulk: imapsync is killed 20 times": Fault(
        partial(_killAndStart, 0.3), _nothing, 1, sign=b"-> connecting", bulk=1500
    ),
}


def tried(
    name: str, servers: list[Dovecot], loop: asyncio.AbstractEventLoop
) -> Outcome:
    """
    Have one happen.
    """
    fault, outcome = FAULTS[name], Outcome(name)
    relays = [Relay(server, loop) for server in servers]
    with tempfile.TemporaryDirectory(prefix="imapsync-fault-") as where:
        trial = Trial(servers, relays, Path(where))
        try:
            _try(trial, fault, outcome)
        finally:
            with suppress(ProcessLookupError):
                trial.process.send_signal(signal.SIGCONT)
                trial.process.kill()
            trial.process.wait()
            if keep := os.environ.get("IMAPSYNC_FAULTS_LOGS"):
                slug = re.sub(r"\W+", "-", name)
                Path(keep, slug).write_bytes(trial.log.read_bytes())
    return outcome


def _try(trial: Trial, fault: Fault, outcome: Outcome) -> None:
    trial.await_(lambda: trial.logged(b"-> waiting"), 60)
    trial.meddle(5)
    time.sleep(fault.rest)
    size, before = trial.log.stat().st_size, memory(trial.process.pid)
    noticed: list[float] = []
    began, over = time.monotonic(), threading.Event()

    def watch() -> None:
        while not over.wait(0.2):
            if trial.logged(fault.sign, size):
                noticed.append(time.monotonic() - began)
                return

    watching = threading.Thread(target=watch)
    watching.start()
    if fault.bulk:
        trial.ledger.fill(fault.bulk)
    fault.strike(trial)
    _endure(trial, fault, fault.seconds)
    fault.heal(trial)
    trial.meddle(3)
    outcome.equal = trial.await_(trial.equal, PATIENCE)
    over.set()
    watching.join()
    outcome.noticed = noticed[0] if noticed else None
    outcome.wrong = trial.ledger.wrong()
    outcome.grown = memory(trial.process.pid) - before
    text = trial.log.read_text()
    levels = re.findall(r"^(?:\S+ )*?(info|warn|error|debug): ", text, re.MULTILINE)
    outcome.lines = Counter(levels)
    outcome.lines["Traceback"] = text.count("Traceback")
    if fault.term and trial.process.poll() is None:
        outcome.ended = _terminated(trial, fault)
    elif trial.process.poll() is not None:
        outcome.ended = f"by itself: {trial.process.returncode}"


def _endure(trial: Trial, fault: Fault, seconds: float) -> None:
    if fault.sides:
        trial.ledger.sides = fault.sides
        trial.meddle(seconds, RATE if seconds < 100 else RATE / 5)
        trial.ledger.sides = (0, 1)
    else:
        time.sleep(seconds)


def _terminated(trial: Trial, fault: Fault) -> str:
    """
    Strike again, and send SIGTERM.
    """
    fault.strike(trial)
    _endure(trial, fault, 4)
    began = time.monotonic()
    trial.process.terminate()
    try:
        code = str(trial.process.wait(30))
    except subprocess.TimeoutExpired:
        code = "never"
    took = time.monotonic() - began
    fault.heal(trial)
    command = [sys.executable, "-m", "imapsync", "-1q", f"--config={trial.file}"]
    once = subprocess.run(command, check=False, timeout=600).returncode
    trial.ledger.forget()
    left = "" if trial.equal() else " NOT equal"
    left += " ".join(trial.ledger.wrong())
    return f"{code} after {took:.1f} s; oneshot {once}{left}"


@contextmanager
def looping() -> Iterator[asyncio.AbstractEventLoop]:
    """
    What relays run in.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield loop

    async def end() -> None:
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    asyncio.run_coroutine_threadsafe(end(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()


def main() -> None:
    """
    Run, and tell.
    """
    wanted = [word for word in sys.argv[1:] if word != "--tls"]
    names = [name for name in FAULTS if not wanted or any(w in name for w in wanted)]
    made: list[Dovecot] = []

    def pair() -> list[Dovecot]:
        two = [Dovecot(Settings()), Dovecot(Settings(layout="maildir", separator="."))]
        made.extend(two)
        return two

    shared = pair()
    with looping() as loop, ThreadPoolExecutor(len(names)) as pool:
        going = []
        for name in names:
            servers = pair() if FAULTS[name].alone else shared
            going.append(pool.submit(_told, name, servers, loop))
        failed = [one.result() for one in going]
    for server in made:
        server.close()
    if any(failed):
        raise SystemExit("Not all is well.")


def _told(name: str, servers: list[Dovecot], loop: asyncio.AbstractEventLoop) -> bool:
    try:
        outcome = tried(name, servers, loop)
    except Exception as error:  # noqa: BLE001 (the others go on)
        print(f"{name}: {error!r}", flush=True)
        return True
    noticed = "never" if outcome.noticed is None else f"{outcome.noticed:.0f} s"
    same = "NEVER" if outcome.equal is None else f"{outcome.equal:.1f} s"
    print(
        f"{name}: noticed after {noticed}, equal after {same};"
        f" {outcome.grown:+.1f} MiB; {dict(outcome.lines)}; SIGTERM: {outcome.ended};"
        f" {outcome.wrong or 'nothing lost or doubled'}",
        flush=True,
    )
    return bool(outcome.wrong or outcome.equal is None or outcome.lines["Traceback"])


if __name__ == "__main__":
    main()
