"""
A password that a command of the user tells.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet import defer
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from imapsync.errors import ConfigError, Distrusted, ImapSyncError
from imapsync.imap.transport.process import Command, Fate, spawn

#: How long a command may take to tell the password: somebody may have to
#: unlock a key first.
_LONGEST = 120.0
#: More than that, in octets, is no password.
_MOST = 64 * 1024


async def readPassword(reactor: Any, command: str, where: str) -> str:
    """
    The first line that C{command} writes.

    When it ends is what counts: an agent that it has started may go on, and even
    have its output open.

    @param reactor: provides L{IReactorProcess}, L{IReactorTime} and L{IReactorCore}.
    @raise ConfigError: if there is no such command, or what it writes is no
        password.
    @raise Distrusted: if it fails, or does not come to an end.
    """

    def why(fate: Fate | None, words: str) -> ImapSyncError:
        kind = ConfigError if fate is not None and fate.neverRan else Distrusted
        return kind(f"{where}: password-command {fate}{words}")

    return await firstLine(reactor, "password-command", command, where, why)


async def firstLine(
    reactor: Any,
    option: str,
    command: str | Sequence[str],
    where: str,
    why: Callable[[Fate | None, str], ImapSyncError],
) -> str:
    """
    Likewise of any other command.

    @param option: whose it is.
    @param why: tells of a failure, given also what is to be said of its standard error.
    """
    reader = _Reader(reactor, where, option, why)
    spawn(reactor, reader, option, command, where, "r")
    try:
        return await reader.password.addTimeout(_LONGEST, reactor)
    except defer.TimeoutError:
        raise Distrusted(
            f"{where}: {option} did not end "
            f"within {_LONGEST:.0f} seconds{reader.words.ended()}"
        ) from None


class _Reader(Command):
    """
    Collects a command's first line.

    @ivar password: fires with it, when the command has succeeded.  When it is
        cancelled, the command is ended.
    """

    def __init__(
        self,
        reactor: Any,
        where: str,
        option: str,
        why: Callable[[Fate | None, str], ImapSyncError],
    ) -> None:
        super().__init__(reactor, where)
        self.password: Deferred[str] = Deferred(lambda _: self.terminate())
        self._option = option
        self._why = why
        self._line = b""
        self._fate: Fate | None = None

    def connectionMade(self) -> None:
        super().connectionMade()
        self.process.closeStdin()

    def outReceived(self, data: bytes) -> None:
        if b"\n" in self._line or self.password.called:
            return
        self._line += data
        if b"\n" in self._line:
            self._settle()
        elif len(self._line) > _MOST:
            text = (
                f"{self._where}: {self._option} wrote more than {_MOST} octets"
                " without an end of line; its first line is to be the password"
            )
            self.password.errback(ConfigError(text))
            self.terminate()

    def processExited(self, reason: Failure) -> None:
        self._fate = Fate.of(reason)
        if not self.password.called:
            # What it wrote before may be read only now; others may have its output.
            self.later(self._finish)
            self._settle()

    def processEnded(self, reason: Failure) -> None:
        self.forgetNext()
        if not self.password.called:
            self._finish()

    def _settle(self) -> None:
        """
        Nothing more is needed once it has succeeded, and its line is there.
        """
        if b"\n" in self._line and self._fate is not None and self._fate.status == 0:
            self._finish()

    def _finish(self) -> None:
        self.forgetNext()
        self.closePipes()
        try:
            password = self._read()
        except ImapSyncError as error:
            self.password.errback(error)
        else:
            self.password.callback(password)

    def _read(self) -> str:
        fate, words = self._fate, self.words.ended()
        if fate is None or fate.status != 0:
            raise self._why(fate, words)
        line = self._line.partition(b"\n")[0].rstrip(b"\r")
        if not line:
            raise ConfigError(f"{self._where}: {self._option} wrote nothing{words}")
        try:
            return line.decode()
        except UnicodeDecodeError:
            raise ConfigError(
                f"{self._where}: {self._option} wrote something else than UTF-8"
            ) from None
