"""
What idle pairs of accounts cost: memory and CPU of one process that follows many.

usage: python benchmarks/accounts.py [PAIRS ...]

By default 1, 100 and 1,000 pairs, on one private Dovecot, both sides of each; each
account has INBOX and two mailboxes, with a few messages.  Memory is what the
kernel calls the resident set; CPU is that of SECONDS seconds of rest.
"""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

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


class Use(NamedTuple):
    """
    What a process has used.

    @ivar memory: MiB that are resident now.
    @ivar cpu: seconds of a processor since it began.
    @ivar files: how many it has open now.
    """

    memory: float
    cpu: float
    files: int


def usage(pid: int) -> Use:
    """
    Ask the system about one.
    """
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    memory = pages * resource.getpagesize() / (1 << 20)
    files = len([*Path(f"/proc/{pid}/fd").iterdir()])
    return Use(memory, ticks / os.sysconf("SC_CLK_TCK"), files)


def waitFor(process: subprocess.Popen[bytes], told: socket.socket, text: str) -> None:
    """
    Read what systemd would be told, until it is that.
    """
    told.settimeout(5)
    while True:
        try:
            state = told.recv(65536).decode()
        except TimeoutError:
            if process.poll() is not None:
                raise SystemExit("it has ended") from None
            continue
        if state == f"STATUS={text}":
            return


class Watched(NamedTuple):
    """
    What so many pairs cost.

    @ivar first: seconds until all rest, when nothing is known of them yet.
    @ivar seconds: likewise, when there is nothing to do.
    @ivar ready: what was used by then.
    @ivar before: what was used then, and a little later.
    @ivar after: SECONDS after that.
    @ivar ending: seconds from SIGTERM to the end.
    """

    pairs: int
    first: float
    seconds: float
    ready: Use
    before: Use
    after: Use
    ending: float


def watched(pairs: int, server: Dovecot) -> Watched:
    """
    Follow so many pairs: twice, since the first time there is more to do.
    """
    with tempfile.TemporaryDirectory() as name:
        files = [configuration(Path(name, f"a{n}"), server) for n in range(pairs)]
        command = [sys.executable, "-m", "imapsync", "--quiet", "--progress=none"]
        command += [f"--config={file}" for file in files]
        first, *_ = followed(command, pairs, Path(name), 0)
        return Watched(pairs, first, *followed(command, pairs, Path(name), SECONDS))


def followed(
    command: list[str], pairs: int, directory: Path, seconds: float
) -> tuple[float, Use, Use, Use, float]:
    """
    Follow them until all rest, and so many seconds more.
    """
    with (
        Path(directory, "log").open("wb") as errors,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told,
    ):
        address = Path(directory, "told")
        told.bind(str(address))
        environ = {**os.environ, "NOTIFY_SOCKET": str(address)}
        started = time.monotonic()
        process = subprocess.Popen(command, stderr=errors, env=environ)
        waitFor(process, told, "waiting" if pairs == 1 else f"{pairs} waiting")
        took = time.monotonic() - started
        ready = usage(process.pid)
        time.sleep(3 if seconds else 0)
        before = usage(process.pid)
        time.sleep(seconds)
        after = usage(process.pid)
        stopped = time.monotonic()
        process.send_signal(signal.SIGTERM)
        code, ending = process.wait(), time.monotonic() - stopped
        if code:
            raise SystemExit(Path(directory, "log").read_text()[-2000:])
        address.unlink()
    return took, ready, before, after, ending


def table(counts: list[int]) -> Iterator[str]:
    """
    A Markdown table.
    """
    yield (
        "| pairs | first ready after s | ready after s | CPU s until then | MiB | MiB"
        " later | MiB a pair | files a pair | CPU at rest, % |"
        " ended after s |"
    )
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    base: Watched | None = None
    server = Dovecot(Settings(extra=LIMITS))
    for count in counts:
        one = watched(count, server)
        base = base or one
        more = max(1, count - base.pairs)
        memory = (one.after.memory - base.before.memory) / more
        files = (one.after.files - base.after.files) / more
        rest = (one.after.cpu - one.before.cpu) * 100 / SECONDS
        yield (
            f"| {count} | {one.first:.1f} | {one.seconds:.1f} | {one.ready.cpu:.1f}"
            f" | {one.before.memory:.1f} | {one.after.memory:.1f} | {memory:.3f}"
            f" | {files:.1f} | {rest:.2f} | {one.ending:.1f} |"
        )
    server.close()


def main() -> None:
    """
    Run, and print the table.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    for line in table(list(map(int, sys.argv[1:])) or [1, 100, 1000]):
        print(line, flush=True)


if __name__ == "__main__":
    main()
