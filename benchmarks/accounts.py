"""
What idle pairs of accounts cost: memory and CPU of one process that follows many.

usage: python benchmarks/accounts.py [PAIRS ...]

By default 1, 100 and 500 pairs, on one private Dovecot, both sides of each; each
account has INBOX and two mailboxes, with a few messages.  Memory is what the
kernel calls the resident set; CPU is that of SECONDS seconds of rest.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from imapsync.test.integration.dovecot import Dovecot, Settings
from imapsync.test.integration.server import PASSWORD, freshUser

#: How long to watch.
SECONDS = 30

#: What Dovecot needs for a thousand sessions.
LIMITS = """
default_client_limit = 20000
default_process_limit = 4000
service imap {
  process_limit = 4000
}
"""


def configuration(directory: Path, server: Dovecot) -> Path:
    """
    Two accounts on one server, and the configuration of the pair.
    """
    lines = [f"database = {directory}/state.db"]
    for side in ("local", "remote"):
        user = freshUser()
        account = server.account(user)
        for mailbox in ("Work", "Sent"):
            account.create(mailbox)
            account.subscribe(mailbox)
        for number in range(3):
            account.append("INBOX", b"Subject: %d\r\n\r\n%d\r\n" % (number, number))
        account.close()
        lines += [f"[{side}]", "type = imap", f"host = {server.host}"]
        lines += [f"port = {server.port}", "STARTTLS = NO", "compress = NO"]
        lines += [f"username = {user}", f"password = {PASSWORD}"]
    directory.mkdir()
    file = directory / f"{directory.name}.conf"
    file.write_text("\n".join(lines) + "\n")
    file.chmod(0o600)
    return file


def usage(pid: int) -> tuple[float, float]:
    """
    Resident MiB and seconds of CPU of a process.
    """
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    memory = pages * resource.getpagesize() / (1 << 20)
    return memory, ticks / os.sysconf("SC_CLK_TCK")


def watched(pairs: int, server: Dovecot) -> tuple[float, float, float, float]:
    """
    Follow so many pairs.

    @return: seconds until all rest; MiB; MiB a while later; CPU seconds in a
        minute.
    """
    with tempfile.TemporaryDirectory() as name:
        files = [configuration(Path(name, f"a{n}"), server) for n in range(pairs)]
        command = [sys.executable, "-m", "imapsync", "--debug"]
        command += [f"--config={file}" for file in files]
        log = Path(name, "log")
        started = time.monotonic()
        with log.open("wb") as errors:
            process = subprocess.Popen(command, stderr=errors)
        while log.read_bytes().count(b"-> waiting") < pairs:
            if process.poll() is not None:
                raise SystemExit(log.read_text()[-2000:])
            time.sleep(0.2)
        seconds = time.monotonic() - started
        time.sleep(3)
        before, cpuBefore = usage(process.pid)
        time.sleep(SECONDS)
        after, cpuAfter = usage(process.pid)
        process.send_signal(signal.SIGTERM)
        if process.wait():
            raise SystemExit(log.read_text()[-2000:])
    return seconds, before, after, (cpuAfter - cpuBefore) * 60 / SECONDS


def table(counts: list[int]) -> Iterator[str]:
    """
    A Markdown table.
    """
    yield "| pairs | ready after s | MiB | MiB later | MiB a pair | CPU s/min |"
    yield "| --- | --- | --- | --- | --- | --- |"
    base = 0.0
    server = Dovecot(Settings(extra=LIMITS))
    for count in counts:
        seconds, before, after, cpu = watched(count, server)
        base = base or before
        each = (after - base) / max(1, count - counts[0])
        yield (
            f"| {count} | {seconds:.1f} | {before:.1f} | {after:.1f} | {each:.2f}"
            f" | {cpu:.2f} |"
        )
    server.close()


def main() -> None:
    """
    Run, and print the table.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    for line in table(list(map(int, sys.argv[1:])) or [1, 100, 500]):
        print(line, flush=True)


if __name__ == "__main__":
    main()
