"""
Where programs run: two servers, an account on each, and a folder of their own.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from imapsync.test.integration.accounts import Account, Message, Snapshot
from imapsync.test.integration.dovecot import Dovecot
from imapsync.test.integration.server import freshUser


@dataclass(frozen=True)
class Servers:
    """
    Both of them.

    @ivar remotePort: where the remote one is reached, perhaps by a long line.
    @ivar secure: whether that port speaks TLS from the start.
    """

    local: Dovecot
    remote: Dovecot
    remotePort: int
    secure: bool = False

    def within(self) -> Servers:
        """
        The same, the remote one within TLS.
        """
        return replace(self, remotePort=self.remote.tlsPort, secure=True)

    @contextmanager
    def by(self, roundTrip: float, rate: float) -> Iterator[Servers]:
        """
        The same, the remote one by a long line, without TLS.

        @param roundTrip: in seconds.
        @param rate: in octets per second; 0 for any.
        """
        if not roundTrip and not rate:
            yield self
            return
        server = self.remote
        words = (server.host, server.port, roundTrip, rate)
        line = subprocess.Popen(
            [
                *("setpriv", "--pdeathsig", "TERM", sys.executable, "-m"),
                *("imapsync.test.integration.line", *map(str, words)),
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        with line:
            assert line.stdout is not None
            try:
                yield replace(self, remotePort=int(line.stdout.readline()))
            finally:
                line.terminate()


@dataclass(frozen=True)
class Place:
    """
    A user with two accounts.

    @ivar imapsync: the command that users type.
    @ivar compress: whether those programs that can are to compress.
    """

    servers: Servers
    imapsync: str
    compress: bool = False
    user: str = field(default_factory=freshUser)
    directory: Path = field(
        default_factory=lambda: Path(tempfile.mkdtemp(prefix="imapsync-bench-"))
    )

    @contextmanager
    def accounts(self) -> Iterator[tuple[Account, Account]]:
        """
        Both accounts.
        """
        both = (
            self.servers.local.account(self.user),
            self.servers.remote.account(self.user),
        )
        for account in both:
            account.uids("INBOX")  # has the server make what each user has
        yield both
        for account in both:
            account.close()

    def another(self) -> Place:
        """
        One with nothing in it yet.
        """
        return Place(self.servers, self.imapsync, self.compress)

    def copy(self, other: Place) -> None:
        """
        Have it hold what is in the other one.
        """
        with self.accounts():
            pass
        for old, new in zip(other._folders(), self._folders(), strict=True):
            shutil.rmtree(new)
            new.mkdir(mode=0o700)
            subprocess.run(["cp", "-a", f"{old}/.", str(new)], check=True)

    def remove(self) -> None:
        """
        Leave nothing.
        """
        for folder in self._folders():
            shutil.rmtree(folder, ignore_errors=True)

    def _folders(self) -> list[Path]:
        servers = (self.servers.local, self.servers.remote)
        homes = [server.directory / "mail" / self.user for server in servers]
        return [*homes, self.directory]

    def differences(self, exact: bool) -> list[str]:
        """
        In what the accounts differ.

        @param exact: whether the messages' octets count, and keywords and
            subscriptions.
        """
        with self.accounts() as accounts:
            here, there = (account.snapshot() for account in accounts)
        if not exact:
            here, there = _roughly(here), _roughly(there)
        return here.differences(there)

    def miscounted(self, names: Iterable[str]) -> list[str]:
        """
        The mailboxes that do not hold equally many messages.
        """
        with self.accounts() as accounts:
            counts = {
                name: [len(each.uids(name)) for each in accounts] for name in names
            }
        return [
            f"{name} holds {here} here, {there} there"
            for name, (here, there) in counts.items()
            if here != there
        ]


def _roughly(snapshot: Snapshot) -> Snapshot:
    """
    Only how many messages there are, with their system flags and dates.
    """

    def plain(message: Message) -> Message:
        flags = frozenset(flag for flag in message.flags if flag.startswith("\\"))
        return replace(message, digest="", flags=flags)

    boxes = {
        name: Counter(map(plain, messages.elements()))
        for name, messages in snapshot.mailboxes.items()
    }
    return Snapshot(boxes, frozenset())
