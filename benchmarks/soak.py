"""
Many changes on both sides of a live imapsync, for minutes.

usage: python benchmarks/soak.py [MINUTES [CHANGES A SECOND]]

By default 3 minutes of 20 random changes a second: messages come, get flags, are
moved and expunged, on both sides and in four mailboxes.  Then both accounts have
to be equal within 5 seconds, and imapsync has to be silent.  Printed are its memory
after each half minute, and how many commands it needed.
"""

from __future__ import annotations

import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from imapsync.test.integration.accounts import Account, CommandFailed
from imapsync.test.integration.dovecot import Dovecot, Settings
from imapsync.test.integration.server import PASSWORD, freshUser

MAILBOXES = ("INBOX", "Work", "Sent", "Lists")

#: Within how many seconds both sides have to be equal in the end.
PATIENCE = 5.0


class Place(Protocol):
    """
    Where a server is reached.
    """

    @property
    def host(self) -> str: ...

    @property
    def port(self) -> int: ...


def configuration(
    directory: Path, servers: Sequence[Place], user: str, *more: str
) -> Path:
    """
    Write a configuration.

    @param more: lines for its default section.
    """
    lines = [f"database = {directory}/state.db", "list-select-opts =", *more]
    for side, server in zip(("local", "remote"), servers, strict=True):
        lines += [f"[{side}]", "type = imap", f"host = {server.host}"]
        lines += [f"port = {server.port}", "STARTTLS = NO", "compress = NO"]
        lines += [f"username = {user}", f"password = {PASSWORD}"]
    file = directory / "config"
    file.write_text("\n".join(lines) + "\n")
    file.chmod(0o600)
    return file


class Meddler:
    """
    Changes accounts.
    """

    def __init__(self, accounts: list[Account]) -> None:
        self._accounts = accounts
        self._rng = random.Random(1)
        self.done: Counter[str] = Counter()

    def change(self) -> None:
        """
        Change something.
        """
        rng = self._rng
        account, mailbox = rng.choice(self._accounts), rng.choice(MAILBOXES)
        kind = rng.choices(("append", "flag", "move", "expunge"), (5, 6, 2, 3))[0]
        try:
            uids = account.uids(mailbox) if kind != "append" else [0]
            if uids:
                self._do(kind, account, mailbox, rng.choice(uids))
                self.done[kind] += 1
        except CommandFailed:
            self.done["too late"] += 1

    def _do(self, kind: str, account: Account, mailbox: str, uid: int) -> None:
        rng = self._rng
        if kind == "append":
            number, size = rng.getrandbits(64), rng.choice((100, 2000, 20000))
            head = f"Message-ID: <{number}@example>\r\nSubject: {number}\r\n\r\n"
            account.append(mailbox, head.encode() + b"x" * size + b"\r\n")
        elif kind == "flag":
            sign = rng.choice("+-")
            flag = rng.choice(("\\Seen", "\\Flagged", "\\Answered", "Red"))
            account.store(mailbox, [uid], f"{sign}FLAGS ({flag})")
        elif kind == "move":
            others = [name for name in MAILBOXES if name != mailbox]
            account.move(mailbox, [uid], rng.choice(others))
        else:
            account.expunge(mailbox, [uid])


def memory(pid: int) -> float:
    """
    Resident MiB.
    """
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize() / (1 << 20)


def equal(accounts: list[Account]) -> list[str]:
    """
    In what both differ.
    """
    ours, theirs = (account.snapshot() for account in accounts)
    return ours.differences(theirs)


def commands(log: Path) -> Counter[str]:
    """
    What imapsync has sent.
    """
    sent = re.findall(r" > \S+ (UID \w+|\w+)", log.read_text())
    return Counter(verb for verb in sent if verb.isupper())


def main() -> None:
    """
    Run, and tell.
    """
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
    rate = float(sys.argv[2]) if len(sys.argv) > 2 else 20.0
    servers = [Dovecot(Settings()), Dovecot(Settings(layout="maildir", separator="."))]
    user = freshUser()
    accounts = [server.account(user) for server in servers]
    for mailbox in MAILBOXES[1:]:
        accounts[0].create(mailbox)
    with tempfile.TemporaryDirectory() as name:
        file, log = configuration(Path(name), servers, user), Path(name, "log")
        command = [sys.executable, "-m", "imapsync", "--debug", f"--config={file}"]
        with log.open("wb") as errors:
            process = subprocess.Popen(command, stderr=errors)
        while b"-> waiting" not in log.read_bytes():
            time.sleep(0.1)
        meddler = Meddler(accounts)
        began = time.monotonic()
        count, shown = 0, 0
        while (passed := time.monotonic() - began) < 60 * minutes:
            time.sleep(max(0, count / rate - passed))
            meddler.change()
            count += 1
            if passed // 30 > shown:
                shown = int(passed // 30)
                print(f"{30 * shown} s: {memory(process.pid):.1f} MiB", flush=True)
        ended = time.monotonic()
        while (left := equal(accounts)) and time.monotonic() - ended < 60:
            time.sleep(0.1)
        seconds = time.monotonic() - ended
        print(f"{count} changes: {dict(meddler.done)}")
        print(f"equal after {seconds:.1f} s" if not left else f"NOT equal: {left[:5]}")
        print(f"{memory(process.pid):.1f} MiB in the end")
        time.sleep(3)
        sent = commands(log)
        time.sleep(5)
        print(f"{(commands(log) - sent).total()} commands in the 5 s after that")
        print(f"{sent.total()} commands in all: {dict(sent.most_common(12))}")
        process.send_signal(signal.SIGTERM)
        print(f"ended with {process.wait()}")
    for server in servers:
        server.close()
    if left or seconds > PATIENCE:
        raise SystemExit("It took too long.")


if __name__ == "__main__":
    main()
