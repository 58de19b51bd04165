"""
The first sync of a full account with an empty one, beside interimap's.

usage: python benchmarks/firstsync.py [MESSAGES [OCTETS [ROUNDS]]]

Two private Dovecots (mdbox) on loopback; each program gets fresh accounts in
turn, all in one run.  A result counts only if both accounts are equal.  What
is printed is a Markdown table of medians and of ratios to interimap: greater
than 1 means faster.
"""

from __future__ import annotations

import json
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from imapsync.test.integration.accounts import Mail
from imapsync.test.integration.dovecot import PASSWORD, Dovecot, Settings, freshUser

#: Runs a command as a small process of its own, whose memory does not count
#: as the command's, and tells what it took.
_LAUNCHER = """
import json, os, sys
pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(pid, 0)
print(json.dumps([os.waitstatus_to_exitcode(status),
                  usage.ru_utime + usage.ru_stime, usage.ru_maxrss]))
"""


@dataclass(frozen=True)
class Result:
    """
    What one run took: seconds, seconds of CPU, MiB at the peak.
    """

    seconds: float
    cpu: float
    memory: float


def mails(count: int, octets: int) -> Iterator[Mail]:
    """
    Messages of about C{octets} each.
    """
    rng = random.Random(count)
    date = datetime(2024, 2, 29, tzinfo=timezone.utc)
    for number in range(count):
        lines = "".join(f"{rng.getrandbits(256):064x}\r\n" for _ in range(octets // 66))
        yield Mail(
            f"From: a@example.org\r\nSubject: message {number}\r\n"
            f"Message-ID: <{number}@example.org>\r\n\r\n{lines}".encode(),
            frozenset(["\\Seen"] if number % 2 else []),
            date,
        )


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


def timed(command: list[str]) -> Result:
    """
    Run a command that must succeed.
    """
    launch = [sys.executable, "-S", "-c", _LAUNCHER, *command]
    started = time.perf_counter()
    done = subprocess.run(launch, check=False, capture_output=True)
    seconds = time.perf_counter() - started
    code, cpu, memory = json.loads(done.stdout.splitlines()[-1])
    if code:
        raise SystemExit(f"{command[0]} failed: {done.stderr.decode()[-500:]}")
    return Result(seconds, cpu, memory / 1024)


PROGRAMS: dict[str, Callable[[Path], list[str]]] = {
    "interimap": lambda file: ["interimap", "--quiet", f"--config={file}"],
    "imapsync": lambda file: [
        *(sys.executable, "-m", "imapsync"),
        *("--oneshot", "--quiet", f"--config={file}"),
    ],
}


def compare(count: int, octets: int, rounds: int) -> dict[str, list[Result]]:
    """
    Run all programs in turn.
    """
    servers = [Dovecot(Settings()), Dovecot(Settings())]
    results: dict[str, list[Result]] = {
        name: [] for name in PROGRAMS if name == "imapsync" or shutil.which(name)
    }
    for _ in range(rounds):
        for name, found in results.items():
            user = freshUser()
            local, remote = (server.account(user) for server in servers)
            local.fill("INBOX", mails(count, octets))
            with tempfile.TemporaryDirectory() as directory:
                file = configuration(Path(directory), servers, user)
                found.append(timed(PROGRAMS[name](file)))
            differences = local.snapshot().differences(remote.snapshot())
            if differences:
                raise SystemExit(f"{name} left a difference: {differences[0]}")
    return results


def main(count: int = 10_000, octets: int = 8_000, rounds: int = 3) -> None:
    """
    Measure and print.
    """
    results = compare(count, octets, rounds)
    medians = {
        name: [
            statistics.median(getattr(one, field) for one in found)
            for field in ("seconds", "cpu", "memory")
        ]
        for name, found in results.items()
    }
    print(f"First sync of {count} messages of {octets} octets, {rounds} rounds:\n")
    print("| program | seconds | CPU seconds | peak MiB | against interimap |")
    print("| --- | --- | --- | --- | --- |")
    for name, (seconds, cpu, memory) in medians.items():
        peer = medians.get("interimap", medians[name])[0]
        ratio = f"{peer / seconds:.2f}"
        print(f"| {name} | {seconds:.2f} | {cpu:.2f} | {memory:.0f} | {ratio} |")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
