"""
The first line of what a command writes, such as a password.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet import defer
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from imapsync.errors import ConfigError, Distrusted, ImapSyncError
from imapsync.system.process import Command, Fate, environOf, spawn

#: How long a command may take to tell it: somebody may have to unlock a
#: key first.
_LONGEST = 120.0
#: More than that, in octets, is no line.
_MOST = 64 * 1024


async def firstLine(
    reactor: Any,
    option: str,
    command: str | Sequence[str],
    where: str,
    given: bytes = b"",
    environment: Sequence[str] = (),
) -> str:
    """
    The first line that C{command} writes.

    When it ends is what counts: an agent that it has started may go on, and even
    have its output open.

    @param reactor: provides L{IReactorProcess}, L{IReactorTime} and L{IReactorCore}.
    @param option: whose the command is.
    @param where: what is put in front of an error.
    @param given: what its standard input is.
    @param environment: see L{environOf}.
    @raise ConfigError: if there is no such command, or what it writes is no such line.
    @raise Distrusted: if it fails, or does not come to an end.
    """
    reader = _Reader(reactor, where, option, given)
    spawn(reactor, reader, option, command, where, "r", environOf(environment))
    try:
        return await reader.line.addTimeout(_LONGEST, reactor)
    except defer.TimeoutError:
        raise Distrusted(
            f"{where}: {option} did not end "
            f"within {_LONGEST:.0f} seconds{reader.words.ended()}"
        ) from None


class _Reader(Command):
    """
    Collects a command's first line.

    @ivar line: fires with it, when the command has succeeded.  When it is
        cancelled, the command is ended.
    """

    def __init__(self, reactor: Any, where: str, option: str, given: bytes) -> None:
        super().__init__(reactor, where)
        self.line: Deferred[str] = Deferred(lambda _: self.terminate())
        self._option = option
        self._given = given
        self._octets = b""
        self._fate: Fate | None = None

    def connectionMade(self) -> None:
        super().connectionMade()
        self.process.write(self._given)
        self.process.closeStdin()

    def outReceived(self, data: bytes) -> None:
        if b"\n" in self._octets or self.line.called:
            return
        self._octets += data
        if b"\n" in self._octets:
            self._settle()
        elif len(self._octets) > _MOST:
            text = (
                f"{self._where}: {self._option} wrote more than {_MOST} octets"
                " without an end of line, and its first line is what is wanted"
            )
            self.line.errback(ConfigError(text))
            self.terminate()

    def processExited(self, reason: Failure) -> None:
        self._fate = Fate.of(reason)
        if not self.line.called:
            # What it wrote before may be read only now; others may have its output.
            self.later(self._finish)
            self._settle()

    def processEnded(self, reason: Failure) -> None:
        self.forgetNext()
        if not self.line.called:
            self._finish()

    def _settle(self) -> None:
        """
        Nothing more is needed once it has succeeded, and its line is there.
        """
        if b"\n" in self._octets and self._fate is not None and self._fate.status == 0:
            self._finish()

    def _finish(self) -> None:
        self.forgetNext()
        self.closePipes()
        try:
            line = self._read()
        except ImapSyncError as error:
            self.line.errback(error)
        else:
            self.line.callback(line)

    def _read(self) -> str:
        fate, words = self._fate, self.words.ended()
        if fate is None or fate.status != 0:
            kind = ConfigError if fate is not None and fate.neverRan else Distrusted
            raise kind(f"{self._where}: {self._option} {fate}{words}")
        line = self._octets.partition(b"\n")[0].rstrip(b"\r")
        if not line:
            raise ConfigError(f"{self._where}: {self._option} wrote nothing{words}")
        try:
            return line.decode()
        except UnicodeDecodeError:
            raise ConfigError(
                f"{self._where}: {self._option} wrote something else than UTF-8"
            ) from None
