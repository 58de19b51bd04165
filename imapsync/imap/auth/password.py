"""
A password that a command of the user tells.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from twisted.internet import defer
from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from imapsync.errors import ConfigError, Distrusted, ImapSyncError
from imapsync.imap.transport.process import Fate, LastWords, spawn

#: How long a command may take to tell the password: somebody may have to
#: unlock a key first.
_PASSWORD_PATIENCE = 120.0
#: More than that, in octets, is no password.
_PASSWORD_LENGTH = 64 * 1024


async def readPassword(reactor: Any, command: str, where: str) -> str:
    """
    The first line that C{command} writes.

    @param reactor: provides L{IReactorProcess} and L{IReactorTime}.
    @raise ConfigError: if there is no such command, or it writes nothing.
    @raise Distrusted: if it fails, or does not come to an end.
    """
    reader = _PasswordReader(where)
    spawn(reactor, reader, "password-command", command, where, "r")
    try:
        return await reader.password.addTimeout(_PASSWORD_PATIENCE, reactor)
    except defer.TimeoutError:
        raise Distrusted(
            f"{where}: password-command did not end "
            f"within {_PASSWORD_PATIENCE:.0f} seconds{reader.words.ended()}"
        ) from None


class _PasswordReader(ProcessProtocol):
    """
    Collects a command's first line.

    @ivar password: fires with it, when the command has succeeded.
    """

    _process: Any

    def __init__(self, where: str) -> None:
        self.password: Deferred[str] = Deferred(lambda _: self._stop())
        self.words = LastWords(where)
        self._where = where
        self._line = b""

    def connectionMade(self) -> None:
        self._process = self.transport
        self._process.closeStdin()

    def outReceived(self, data: bytes) -> None:
        if b"\n" not in self._line:
            self._line += data[:_PASSWORD_LENGTH]
        if len(self._line) > _PASSWORD_LENGTH:
            self._stop()

    def errReceived(self, data: bytes) -> None:
        self.words.add(data)

    def processEnded(self, reason: Failure) -> None:
        if self.password.called:
            return  # It took too long.
        try:
            self.password.callback(self._read(Fate.of(reason)))
        except ImapSyncError:
            self.password.errback()

    def _stop(self) -> None:
        with suppress(ProcessExitedAlready):
            self._process.signalProcess("KILL")
        self._process.loseConnection()

    def _read(self, fate: Fate) -> str:
        if fate.status != 0:
            kind = ConfigError if fate.neverRan else Distrusted
            words = self.words.ended()
            raise kind(f"{self._where}: password-command {fate}{words}")
        line = self._line.partition(b"\n")[0].rstrip(b"\r")
        if not line:
            raise ConfigError(f"{self._where}: password-command wrote nothing")
        try:
            return line.decode()
        except UnicodeDecodeError:
            raise ConfigError(
                f"{self._where}: password-command wrote something else than UTF-8"
            ) from None
