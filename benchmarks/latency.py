"""
How soon a change on one side shows on the other, beside interimap.

From the OK for an APPEND, STORE or EXPUNGE on one side until another client on
the other side, which asks all the time, is told of it; so many times for each
kind of change, mailbox and direction.  Two private Dovecots on loopback; each
pair of a mailbox and a direction has accounts and a process of its own, and all
four go on at the same time, because they mostly wait.

Dovecot itself tells of a change half a second after it, never earlier.
"""

from __future__ import annotations

import math
import random
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from benchmarks.table import Sheet, span
from imapsync.test.integration.accounts import Account
from imapsync.test.integration.dovecot import Dovecot, Settings
from imapsync.test.integration.server import PASSWORD, freshUser

#: Dovecot's own delay, in seconds.
DELAY = 0.5

#: After so many seconds a change is lost, and not only late.
PATIENCE = 5.0

TITLE = "Milliseconds until a change shows, on top of Dovecot's 500"

#: One of its columns.
MEDIAN = "imapsync: median"

KINDS = ("message", "flag", "expunge")

Results = dict[tuple[str, str, str], list[float]]


class Watcher:
    """
    A client that has a mailbox selected and asks for news.
    """

    def __init__(self, server: Dovecot, user: str, mailbox: str) -> None:
        self._account = server.account(user)
        self.command = self._account._wire.command
        self.command("SELECT", mailbox)

    def sees(self, pattern: bytes) -> float:
        """
        Ask until there is a response like that.

        @return: when it came, in seconds; infinite if it does not.
        """
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            rows = self.command("NOOP")
            now = time.monotonic()
            if any(re.search(pattern, row.text) for row in rows):
                return now
            time.sleep(0.001)
        return float("inf")


def configuration(directory: Path, servers: list[Dovecot], user: str) -> Path:
    """
    Write a configuration that both programs understand.
    """
    lines = [f"database = {directory}/state.db"]
    for side, server in zip(("local", "remote"), servers, strict=True):
        lines += [f"[{side}]", "type = imap", f"host = {server.host}"]
        lines += [f"port = {server.port}", "STARTTLS = NO", "compress = NO"]
        lines += [f"username = {user}", f"password = {PASSWORD}"]
    file = directory / "config"
    file.write_text("\n".join(lines) + "\n")
    file.chmod(0o600)
    return file


@contextmanager
def running(command: list[str], servers: list[Dovecot], user: str) -> Iterator[None]:
    """
    Have the accounts followed.
    """
    with tempfile.TemporaryDirectory() as name:
        file = configuration(Path(name), servers, user)
        program, *options = command
        if program == "interimap":
            # Its database is made by a first run.
            first = [program, "--quiet", f"--config={file}"]
            subprocess.run(first, check=True, capture_output=True)
        with (Path(name) / "log").open("wb") as log:
            process = subprocess.Popen(
                [program, *options, f"--config={file}"], stdout=log, stderr=log
            )
        try:
            yield
        finally:
            process.terminate()
            process.wait()


def measure(
    command: list[str],
    servers: list[Dovecot],
    mailbox: str,
    direction: str,
    count: int,
) -> Results:
    """
    Measure one mailbox in one direction.
    """
    user, rng = freshUser(), random.Random(mailbox + direction)
    here, there = servers if direction == "local to remote" else servers[::-1]
    for server in servers:
        account: Account = server.account(user)
        if mailbox != "INBOX":
            account.create(mailbox)
        account.subscribe(mailbox)
        account.close()
    results: Results = defaultdict(list)
    with running(command, servers, user):
        # One that it has to find, so that we know when it has begun.
        acting, watcher = (Watcher(one, user, mailbox) for one in (here, there))
        acting.command("APPEND", mailbox, b"{3+}\r\nx\r\n")
        watcher.sees(rb"EXISTS")
        time.sleep(3)
        for number in range(count):
            body = b"Message-ID: <%d@example>\r\n\r\n%d\r\n" % (number, number)
            for kind, commands, seen in (
                (
                    "message",
                    [("APPEND", mailbox, b"{%d+}\r\n" % len(body) + body)],
                    rb"EXISTS",
                ),
                (
                    "flag",
                    [("NOOP",), ("STORE", "*", "+FLAGS (\\Flagged)")],
                    rb"FETCH .*\\Flagged",
                ),
                (
                    "expunge",
                    [("STORE", "*", "+FLAGS (\\Deleted)"), ("EXPUNGE",)],
                    rb"EXPUNGE",
                ),
            ):
                time.sleep(rng.uniform(0.2, 1.2))
                watcher.command("NOOP")
                for words in commands:
                    acting.command(*words)
                done = time.monotonic()
                results[kind, mailbox, direction].append(watcher.sees(seen) - done)
    return results


def live(imapsync: str, count: int, python: str) -> Sheet:
    """
    Measure all programs, one after the other.

    @param imapsync: the command that users type.
    @param python: what it runs on, for people.
    """
    commands = {
        "imapsync": [imapsync, "--quiet"],
        "interimap": ["interimap", "--quiet", "--watch=60", "--notify"],
    }
    servers = [Dovecot(Settings()), Dovecot(Settings())]
    results: dict[str, Results] = {}
    for program, command in commands.items():
        if shutil.which(command[0]) is None:
            continue
        with ThreadPoolExecutor(4) as pool:
            going = [
                pool.submit(measure, command, servers, mailbox, direction, count)
                for mailbox in ("INBOX", "Other")
                for direction in ("local to remote", "remote to local")
            ]
            results[program] = {k: v for one in going for k, v in one.result().items()}
    for server in servers:
        server.close()
    whats = ("median", "worst", "lost")
    heads = [f"{name}: {what}" for name in results for what in whats]
    notes = [f"{python}; {count} of each, in each mailbox, each way."]
    return Sheet(TITLE, ["change", *heads], [*_rows(results)], notes)


def _rows(results: dict[str, Results]) -> Iterator[Sequence[str]]:
    """
    A row for each kind of change: the least and the greatest median and worst of
    both mailboxes and directions, and how many were lost.
    """
    for kind in KINDS:
        cells = []
        for found in results.values():
            groups = [waits for (what, *_), waits in found.items() if what == kind]
            seen = [[wait for wait in waits if wait < math.inf] for waits in groups]
            medians = [_told(statistics.median(waits)) for waits in seen if waits]
            worst = [_told(max(waits)) for waits in seen if waits]
            count, carried = sum(map(len, groups)), sum(map(len, seen))
            cells += [span(medians), span(worst), f"{count - carried} of {count}"]
        yield (kind, *cells)


def _told(wait: float) -> str:
    """
    A wait without Dovecot's own.
    """
    return f"{1000 * (wait - DELAY):.0f}"
