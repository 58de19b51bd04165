"""
What becomes of the mail, and what it costs: imapsync beside its peers.

usage: python -m benchmarks.scenarios [PATTERN]

Each program gets the same two accounts, on two private Dovecots (mdbox and
maildir) on loopback, synchronises them, and synchronises them again after
something happened to one of them: for each scenario with C{PATTERN} in its
name, all in one run.  What is printed is a table in reStructuredText: octets on
both connections, in both directions, and what is wrong afterwards.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from random import Random
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react
from twisted.internet.threads import deferToThread

from imapsync.model import Side
from imapsync.test.integration.accounts import Account, Mail, Message, Snapshot
from imapsync.test.integration.dovecot import Dovecot, maildirServer, mdboxServer
from imapsync.test.integration.relay import Relay, Way
from imapsync.test.integration.server import PASSWORD, freshUser

#: So many seconds may one run take.
_PATIENCE = 600


@dataclass(frozen=True)
class Program:
    """
    A way to make two accounts equal.

    @ivar command: starts it with a configuration.
    @ivar configuration: for servers at two ports, and for a user.
    @ivar version: a command that tells it.
    @ivar blind: what it does not carry by design; that is not held against it.
    @ivar cleaned: takes out of a message what it puts into it.
    """

    name: str
    command: Callable[[Path], Sequence[str]]
    configuration: Callable[[Path, Mapping[Side, int], str], str]
    version: Sequence[str]
    blind: frozenset[str] = frozenset()
    cleaned: Callable[[bytes], bytes] = bytes


def _ini(directory: Path, ports: Mapping[Side, int], user: str) -> str:
    """
    A configuration that imapsync and interimap understand.
    """
    lines = [f"database = {directory}/state.db", "list-mailbox = *"]
    for side, port in ports.items():
        lines += [f"[{side}]", "type = imap", "host = 127.0.0.1", f"port = {port}"]
        lines += ["STARTTLS = NO", "compress = NO", f"username = {user}"]
        lines += [f"password = {PASSWORD}"]
    return "\n".join([*lines, ""])


def _everything(directory: Path, ports: Mapping[Side, int], user: str) -> str:
    return "list-select-opts =\n" + _ini(directory, ports, user)


def _mbsyncrc(directory: Path, ports: Mapping[Side, int], user: str) -> str:
    stores = "".join(
        textwrap.dedent(
            f"""\
            IMAPStore {side}
            Host 127.0.0.1
            Port {port}
            User {user}
            Pass {PASSWORD}
            SSLType None
            AuthMechs LOGIN
            DisableExtension COMPRESS=DEFLATE
            Timeout {_PATIENCE}

            """
        )
        for side, port in ports.items()
    )
    return stores + textwrap.dedent(
        f"""\
        Channel both
        Far :remote:
        Near :local:
        Patterns * INBOX
        Sync All
        Create Both
        Remove Both
        Expunge Both
        CopyArrivalDate yes
        SyncState {directory}/
        """
    )


PROGRAMS = (
    Program(
        "imapsync",
        lambda file: [
            *(sys.executable, "-m", "imapsync"),
            *("--oneshot", "--quiet", f"--config={file}"),
        ],
        _everything,
        (sys.executable, "-m", "imapsync", "--version"),
    ),
    Program(
        "interimap",
        lambda file: ["interimap", "--quiet", f"--config={file}"],
        _ini,
        ("interimap", "--version"),
    ),
    Program(
        "mbsync",
        lambda file: ["mbsync", "--quiet", "--config", str(file), "--all"],
        _mbsyncrc,
        ("mbsync", "--version"),
        frozenset({"subscriptions", "keywords"}),
        lambda body: re.sub(rb"^X-TUID: .{12}\r\n", b"", body, flags=re.MULTILINE),
    ),
)


class Stage:
    """
    Two accounts, and a program that is to make them equal.
    """

    def __init__(self, reactor: Any, program: Program) -> None:
        self._reactor = reactor
        self._program = program
        self._directory = Path(tempfile.mkdtemp(prefix="imapsync-scenario-"))
        self.user = freshUser()
        self.servers: dict[Side, Dovecot] = {
            Side.LOCAL: mdboxServer(),
            Side.REMOTE: maildirServer(),
        }
        self.connect()

    def connect(self) -> None:
        """
        Log in.
        """
        self.local, self.remote = (
            server.account(self.user) for server in self.servers.values()
        )

    def close(self) -> None:
        """
        Remove the files of the program.
        """
        self.local.close()
        self.remote.close()
        shutil.rmtree(self._directory)

    async def run(self, killedAfter: int = 0) -> Outcome:
        """
        Run the program once.

        @param killedAfter: so many octets to the remote server, if not zero.
        """
        relays = {
            side: Relay(self._reactor, server) for side, server in self.servers.items()
        }
        ports = {side: relay.port for side, relay in relays.items()}
        file = self._directory / "config"
        file.write_text(self._program.configuration(self._directory, ports, self.user))
        file.chmod(0o600)
        process = subprocess.Popen(
            self._program.command(file),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        if killedAfter:
            relays[Side.REMOTE].at(Way.TO_SERVER, killedAfter, process.kill)
        try:
            output, _ = await deferToThread(process.communicate, None, _PATIENCE)
        finally:
            process.kill()
            for relay in relays.values():
                await relay.close()
        passed = [
            passed for relay in relays.values() for passed in relay.passed.values()
        ]
        lines = output.decode("utf-8", "replace").splitlines()
        return Outcome(process.returncode, sum(map(len, passed)), lines)


@dataclass(frozen=True)
class Outcome:
    """
    What a run said, and how many octets it took.
    """

    code: int
    octets: int
    output: Sequence[str]


def mails(count: int, octets: int, seed: int) -> Iterator[Mail]:
    """
    Messages of about C{octets} each, all different.
    """
    rng = Random(seed)
    start = datetime(2024, 2, 29, tzinfo=timezone.utc)
    for number in range(count):
        lines = "".join(f"{rng.getrandbits(256):064x}\r\n" for _ in range(octets // 66))
        yield Mail(
            f"From: a@example.org\r\nSubject: message {number}\r\n"
            f"Message-ID: <{number}.{seed}@example.org>\r\n\r\n{lines}".encode(),
            ["\\Seen"] if number % 2 else [],
            start + timedelta(hours=number),
        )


#: The mailboxes, and how many messages of how many octets are in each.
_FULL = {
    "INBOX": (1000, 50_000),
    "Archive": (300, 5_000),
    "Work": (200, 5_000),
    "Work/Deep": (100, 5_000),
    "Work/Deep/Deeper": (50, 5_000),
    "Lists": (200, 5_000),
}
_HALF = {**_FULL, "INBOX": (200, 50_000)}


def fill(account: Account, mailboxes: Mapping[str, tuple[int, int]]) -> None:
    """
    Fill an account.
    """
    for seed, (name, (count, octets)) in enumerate(mailboxes.items()):
        if name != "INBOX":
            account.create(name)
        account.subscribe(name)
        account.fill(name, mails(count, octets, seed))


Happen = Callable[[Stage], Account]


@dataclass(frozen=True)
class Scenario:
    """
    Two accounts were equal; then something happened.

    @ivar happen: does it, and returns the account that is right: in the end,
        both should be like it.
    @ivar mailboxes: what the accounts hold before.
    """

    name: str
    happen: Happen
    mailboxes: Mapping[str, tuple[int, int]]

    async def begin(self, stage: Stage) -> int:
        """
        Make the accounts equal.

        @return: octets that count.
        """
        fill(stage.local, self.mailboxes)
        await stage.run()
        return 0


def move(stage: Stage) -> Account:
    """
    Move all of INBOX.
    """
    local = stage.local
    local.move("INBOX", local.uids("INBOX"), "Archive")
    return local


def moveAndFlag(stage: Stage) -> Account:
    """
    Move all of INBOX, and change flags before and after.
    """
    local = stage.local
    local.store("INBOX", local.uids("INBOX")[:50], "+FLAGS (\\Answered)")
    new = local.move("INBOX", local.uids("INBOX"), "Archive")
    local.store("Archive", new[25:100], "+FLAGS (\\Flagged)")
    return local


def copy(stage: Stage) -> Account:
    """
    Copy all of INBOX.
    """
    local = stage.local
    local.copy("INBOX", local.uids("INBOX"), "Archive")
    return local


def rename(stage: Stage) -> Account:
    """
    Rename a mailbox that has two levels below it.
    """
    stage.local.rename("Work", "Job")
    for below in ("", "/Deep", "/Deep/Deeper"):
        stage.local.unsubscribe(f"Work{below}")
        stage.local.subscribe(f"Job{below}")
    return stage.local


def swap(stage: Stage) -> Account:
    """
    Let two mailboxes change their names.
    """
    stage.local.rename("Archive", "Third")
    stage.local.rename("Lists", "Archive")
    stage.local.rename("Third", "Lists")
    return stage.local


def delete(stage: Stage) -> Account:
    """
    Delete a mailbox.
    """
    stage.local.delete("Lists")
    stage.local.unsubscribe("Lists")
    return stage.local


def deleteUnread(stage: Stage) -> Account:
    """
    Delete a mailbox into which mail has just come on the other side.
    """
    delete(stage)
    stage.remote.fill("Lists", mails(5, 5_000, 99))
    return stage.remote


def renumber(stage: Stage) -> Account:
    """
    Give a mailbox another UIDVALIDITY, and new mail on the other side.
    """
    stage.servers[Side.LOCAL].doveadm(
        *("mailbox", "update", "-u", stage.user, "--uid-validity", "2000000000"),
        "Lists",
    )
    for seed, name in enumerate(("Lists", "Work")):
        stage.remote.fill(name, mails(5, 5_000, 99 + seed))
    return stage.remote


def vanish(stage: Stage) -> Account:
    """
    Start a server on an empty disk.
    """
    stage.local.close()
    stage.remote.close()
    server = stage.servers[Side.LOCAL]
    shutil.rmtree(server.directory / "mail" / stage.user / "mail")
    stage.connect()
    return stage.remote


class Merge(Scenario):
    """
    Two accounts hold the same, and the program does not know it.
    """

    async def begin(self, stage: Stage) -> int:
        fill(stage.local, self.mailboxes)
        fill(stage.remote, self.mailboxes)
        return 0


class Killed(Scenario):
    """
    The first run is killed, and the one after it, and so on.
    """

    async def begin(self, stage: Stage) -> int:
        fill(stage.local, self.mailboxes)
        return sum([(await stage.run(killedAfter=5_000_000)).octets for _ in range(3)])


def nothing(stage: Stage) -> Account:
    """
    Nothing happens.
    """
    return stage.local


SCENARIOS = (
    Scenario("1000 messages of 50 KB moved", move, _FULL),
    Scenario("200 messages of 50 KB moved", move, _HALF),
    Scenario("200 moved, and flags changed", moveAndFlag, _HALF),
    Scenario("200 copied", copy, _HALF),
    Scenario("Mailbox with children renamed", rename, _HALF),
    Scenario("Two mailboxes swapped", swap, _HALF),
    Scenario("Mailbox deleted", delete, _HALF),
    Scenario("Mailbox deleted, new mail in it on the other side", deleteUnread, _HALF),
    Scenario("Mailbox with a new UIDVALIDITY", renumber, _HALF),
    Scenario("All mail of one server vanished", vanish, _HALF),
    Merge("Two filled, equal accounts, nothing known", nothing, _HALF),
    Killed("First run killed three times, after 5 MB each", nothing, _HALF),
    Scenario("Nothing happened", nothing, _HALF),
)


def judge(right: Snapshot, found: Mapping[Side, Snapshot]) -> Iterator[str]:
    """
    What is wrong, in words.
    """
    wanted = _placed(right)
    sides = {side: _placed(snapshot) for side, snapshot in found.items()}
    local, remote = (_digests(wanted) - _digests(placed) for placed in sides.values())
    lost = (local & remote).total()
    if lost:
        yield f"{lost} messages lost"
    for side, snapshot in found.items():
        placed = sides[side]
        missing = (_digests(wanted) - _digests(placed)).total() - lost
        facts = {
            "messages too many": (_digests(placed) - _digests(wanted)).total(),
            "messages missing": missing,
            "messages in the wrong mailbox": (wanted - placed).total() - missing - lost,
            "mailboxes too many": len(snapshot.mailboxes.keys() - right.mailboxes),
            "mailboxes missing": len(right.mailboxes.keys() - snapshot.mailboxes),
        }
        told = [f"{count} {what}" for what, count in facts.items() if count]
        if not told and (other := right.differences(snapshot)):
            told = [f"{len(other)} other differences", other[0]]
        if told:
            yield f"on {side}: " + ", ".join(told)


def _placed(snapshot: Snapshot) -> Counter[tuple[str, str]]:
    return Counter(
        (name, message.digest)
        for name, messages in snapshot.mailboxes.items()
        for message in messages.elements()
    )


def _digests(placed: Counter[tuple[str, str]]) -> Counter[str]:
    return Counter(digest for _, digest in placed.elements())


def seen(account: Account, program: Program) -> Snapshot:
    """
    What there is of an account for a program.
    """
    snapshot = account.snapshot(program.cleaned)

    def plain(message: Message) -> Message:
        if "keywords" not in program.blind:
            return message
        flags = frozenset(flag for flag in message.flags if flag.startswith("\\"))
        return replace(message, flags=flags)

    return Snapshot(
        {
            name: Counter(map(plain, messages.elements()))
            for name, messages in snapshot.mailboxes.items()
        },
        frozenset() if "subscriptions" in program.blind else snapshot.subscribed,
    )


async def tried(reactor: Any, scenario: Scenario, program: Program) -> str:
    """
    Let one program go through one scenario; it may try twice.

    @return: what is to be said about it.
    """
    stage = Stage(reactor, program)
    try:
        octets = await scenario.begin(stage)
        right = seen(scenario.happen(stage), program)
        for attempt in range(2):
            told = ["run twice"] if attempt else []
            outcome = await stage.run()
            octets += outcome.octets
            accounts = zip(Side, (stage.local, stage.remote), strict=True)
            found = {side: seen(account, program) for side, account in accounts}
            wrong = list(judge(right, found))
            if not wrong:
                break
    finally:
        stage.close()
    told += wrong or ["equal"]
    if outcome.code:
        told += [f"exit code {outcome.code}", *outcome.output[-1:]]
    return "; ".join([_size(octets), *told])


def _size(octets: int) -> str:
    return f"{octets / 1e6:.1f} MB" if octets > 1e6 else f"{octets / 1e3:.0f} KB"


async def table(reactor: Any, pattern: str) -> None:
    """
    Try, and print what was found.
    """
    programs = [
        program
        for program in PROGRAMS
        if program.name == "imapsync" or shutil.which(program.name)
    ]
    print(".. list-table::\n   :header-rows: 1\n\n   * - scenario")
    for program in programs:
        told = subprocess.run(program.version, capture_output=True, check=True)
        print(f"     - {told.stdout.decode().splitlines()[0]}")
    for scenario in SCENARIOS:
        if pattern not in scenario.name:
            continue
        print(f"   * - {scenario.name}")
        for program in programs:
            print(f"     - {await tried(reactor, scenario, program)}", flush=True)


def main(reactor: Any, pattern: str = "") -> Deferred[None]:
    """
    Measure and print.
    """
    return Deferred.fromCoroutine(table(reactor, pattern))


if __name__ == "__main__":
    react(main, sys.argv[1:2])
