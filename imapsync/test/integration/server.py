"""
Private mail servers on loopback: what all kinds of them have in common.

Nothing here uses the reactor: a server is other processes and some files.
"""

from __future__ import annotations

import atexit
import itertools
import os
import pwd
import random
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from imapsync.test import children
from imapsync.test.integration.accounts import Account

#: Every user's password.
PASSWORD = "secret"

#: Within how many seconds a server has to be up, or down.
PATIENCE = 20.0

#: Where the ports are: below those that the kernel gives to clients, so that
#: none of these is in the way of a server that starts again.
PORTS = range(20000, 32000)


@dataclass(frozen=True)
class Start:
    """
    How a server is started.

    @ivar environ: what is special about the environment.
    """

    command: Sequence[str]
    environ: Mapping[str, str] = field(default_factory=dict)


class Server:
    """
    A server: new, empty and running, once its L{begin} was called.

    It ends with this process, however that ends; for that, it must be the
    process's main thread that makes it.

    @ivar directory: where all its files are.
    @ivar host: the address to connect to.
    @ivar port: speaks plaintext.
    @ivar tlsPort: is free for TLS from the start.
    @cvar identifies: whether it tells which mailbox is which.
    @cvar levels: whether a mailbox may be there, and go, without those above it and
        below.
    @cvar renumbers: whether a mailbox that is renamed gets another UIDVALIDITY.
    """

    host = "127.0.0.1"
    identifies = True
    levels = True
    renumbers = False

    def __init__(self, within: Path | None = None) -> None:
        """
        @param within: a directory for its own.
        """
        prefix = f"imapsync-{type(self).__name__.lower()}-"
        self.directory = Path(tempfile.mkdtemp(prefix=prefix, dir=within))
        atexit.register(self.close)
        # Its own processes are not root's, even if we are.
        self.directory.chmod(0o755)

    def configured(self) -> Start:
        """
        Write the configuration, for the ports that there are.
        """
        raise NotImplementedError

    def log(self) -> str:
        """
        What it has logged so far.
        """
        output = self.directory / "output"
        return output.read_text() if output.exists() else ""

    def username(self, user: str) -> str:
        """
        What C{user} is called there.
        """
        return user

    def account(self, user: str) -> Account:
        """
        Log in.
        """
        return Account(self.host, self.port, user, PASSWORD)

    @staticmethod
    def keeps(body: bytes) -> bool:
        """
        Whether a message stays as it is there.
        """
        return True

    def owned(self, name: str) -> Path:
        """
        Make a directory in which the server can write.
        """
        path = self.directory / name
        path.mkdir()
        os.chown(path, owner().pw_uid, owner().pw_gid)
        return path

    def begin(self) -> None:
        """
        Start it on free ports; somebody else may be faster to take one.
        """
        for _ in range(3):
            self.port, self.tlsPort = self._freePorts()
            if self._start():
                return
        raise RuntimeError(f"the server does not start: {self.log()}")

    def stop(self) -> None:
        """
        Stop it, as its administrator would; its mail stays.
        """
        self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        except children.Expired:
            self.kill()

    def kill(self) -> None:
        """
        End it and all its sessions at once; what it wrote to its mail stays.
        """
        if self._process.poll() is None:
            self.signal(signal.SIGKILL)
            children.ended(self._process)

    def signal(self, number: int) -> None:
        """
        Send a signal to it and all its sessions.
        """
        os.killpg(self._process.pid, number)

    def restart(self) -> None:
        """
        Stop it if it runs, and start it again on the same ports.
        """
        self.stop()
        if not self._start():
            raise RuntimeError(f"the server does not start again: {self.log()}")

    def close(self) -> None:
        """
        End it, and remove all that there is of it.
        """
        atexit.unregister(self.close)
        self.kill()
        shutil.rmtree(self.directory)

    def _freePorts(self) -> Sequence[int]:
        chance = random.SystemRandom()
        while not all(map(self._isFree, ports := chance.sample(PORTS, 2))):
            pass
        return ports

    def _isFree(self, port: int) -> bool:
        try:
            socket.create_server((self.host, port)).close()
        except OSError:
            return False
        return True

    def _start(self) -> bool:
        """
        Start it on the ports it has, and wait until it greets.
        """
        start = self.configured()
        with (self.directory / "output").open("ab") as output:
            self._process = children.begun(
                start.command,
                stdin=children.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **start.environ},
                start_new_session=True,
            )
        deadline = time.monotonic() + PATIENCE
        while self._process.poll() is None and time.monotonic() < deadline:
            if self._greets():
                return True
            time.sleep(0.005)
        self.kill()
        return False

    def _greets(self) -> bool:
        try:
            with socket.create_connection((self.host, self.port), PATIENCE) as client:
                return client.recv(4) == b"* OK"
        except OSError:
            return False


def owner() -> pwd.struct_passwd:
    """
    Whose the mail is, and most of a server's processes: ours, but no server
    lets root have mail.
    """
    return pwd.getpwuid(os.getuid()) if os.getuid() else pwd.getpwnam("nobody")


def freshUser() -> str:
    """
    A user's name that nobody in this process has had.
    """
    return f"user{next(_numbers)}"


_numbers = itertools.count(1)
