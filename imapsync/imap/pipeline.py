"""
Many commands in flight on one connection.
"""

from __future__ import annotations

from collections import deque
from itertools import count
from typing import Any, Protocol

from imapsync.errors import ProtocolViolation
from imapsync.imap.commands.append import Appending
from imapsync.imap.commands.base import Command
from imapsync.imap.commands.notify import Idle
from imapsync.imap.wire.arguments import Literal
from imapsync.imap.wire.responses import Condition


class Output(Protocol):
    """
    What a L{Pipeline} writes to.
    """

    def started(self, command: Command[Any]) -> None:
        """
        C{command} is in flight now.
        """

    def asksLeave(self, size: int) -> bool:
        """
        Whether the server's leave must be awaited for a literal of C{size} octets.
        """

    def write(self, data: bytes, instead: bytes = b"") -> None:
        """
        Send octets.

        @param instead: what a trace shows if they are secret.
        """

    def show(self, data: bytes) -> None:
        """
        Have a trace show what is sent otherwise.
        """


class Pipeline:
    """
    The commands that wait to be sent, the one that is being written, and
    those in flight.

    @ivar most: so many may be in flight; C{None} if there is no such limit.
    @ivar resting: whether none is begun for now.
    """

    def __init__(self, output: Output) -> None:
        self._output = output
        self.most: int | None = None
        self.resting = False
        self._returned: list[Command[Any]] = []
        self._tags = count(1)
        self._queue: deque[Command[Any]] = deque()
        self._writing: Command[Any] | None = None
        self._segments: deque[bytes] = deque()
        self._flights: dict[str, Command[Any]] = {}
        self._error: Exception | None = None

    def __bool__(self) -> bool:
        """
        Whether any command is in flight.
        """
        return bool(self._flights)

    @property
    def alone(self) -> Command[Any] | None:
        """
        The command in flight that bears no other beside it, if it is such a
        one.
        """
        # None is sent behind it; it may be behind others itself.
        last = next(reversed(self._flights.values()), None)
        return last if last is not None and last.alone else None

    @property
    def crowded(self) -> bool:
        """
        Whether no command can be sent before an answer comes, or a rest is over.
        """
        full = self.most is not None and len(self._flights) >= self.most
        return full or self.resting

    @property
    def owed(self) -> bool:
        """
        Whether the server has anything to answer now.
        """
        idle = self.alone
        return bool(self) and not (isinstance(idle, Idle) and idle.resting)

    @property
    def oldest(self) -> Command[Any] | None:
        """
        The command that has been in flight the longest.
        """
        return next(iter(self._flights.values()), None)

    @property
    def names(self) -> str:
        """
        Which commands the server still has to answer.
        """
        return ", ".join(sorted({flight.name for flight in self._flights.values()}))

    def submit(self, command: Command[Any]) -> None:
        """
        Send a command as soon as those before it allow.
        """
        if self._error is not None:
            command.fail(self._error)
            return
        self._queue.append(command)
        self._pump()
        self._rouse()

    def flight(self, tag: str) -> Command[Any]:
        """
        The command with this tag.

        @raise ProtocolViolation: if there is none.
        """
        command = self._flights.get(tag)
        if command is None:
            raise ProtocolViolation(f"an answer to no command: {tag[:40]!r}")
        return command

    def proceed(self, text: bytes) -> None:
        """
        The server sent a continuation.

        @raise ProtocolViolation: if no command waits for one.
        """
        writing = self._writing
        if self._segments:
            self._writeSegment()
            self._pump()
        elif isinstance(writing, Appending):
            writing.proceed()
        elif isinstance(idle := self.alone, Idle):
            idle.begin()
            self._rouse()
        elif len(self._flights) == 1:
            [flight] = self._flights.values()
            self._write(flight, flight.continued(text) + b"\r\n")
        else:
            raise ProtocolViolation("asked to go on, but no command waits")

    def finish(self, condition: Condition) -> None:
        """
        A command was answered.

        @raise ProtocolViolation: if it cannot have been.
        """
        command = self.flight(condition.tag)
        if self._writing is command and self._segments:
            # Refused instead of a leave for a literal.
            self._segments.clear()
            self._writing = None
        command.finished(condition)
        self.forget(command)

    def rest(self) -> None:
        """
        Begin no command, until L{resume}.
        """
        self.resting = True

    def again(self, condition: Condition) -> None:
        """
        A command was answered, but is to be sent once more, when the rest is over:
        before all that came after it.
        """
        command = self.flight(condition.tag)
        if self._writing is command:
            self._segments.clear()
            self._writing = None
        del self._flights[command.tag]
        command.restart()
        self._returned.append(command)

    def resume(self) -> None:
        """
        The rest is over.
        """
        self.resting = False
        self._queue.extendleft(reversed(self._returned))
        self._returned.clear()
        self._pump()
        self._rouse()

    def forget(self, command: Command[Any]) -> None:
        """
        C{command} is done with.
        """
        self._flights.pop(command.tag, None)
        self._pump()

    def written(self, command: Command[Any]) -> None:
        """
        C{command} is sent in full; others may follow.
        """
        if self._writing is command:
            self._writing = None
            self._pump()

    def fail(self, error: Exception) -> None:
        """
        The connection is gone: so are all commands, even those to come.
        """
        self._error = error
        self._writing = None
        self._segments.clear()
        commands = [*self._flights.values(), *self._returned, *self._queue]
        self._flights.clear()
        self._returned.clear()
        self._queue.clear()
        for command in commands:
            command.fail(error)

    def _pump(self) -> None:
        while self._queue and self._writing is None and not self.crowded:
            if self._flights and not self._mayFollow(self._queue[0]):
                return
            self._start(self._queue.popleft())

    def _mayFollow(self, command: Command[Any]) -> bool:
        """
        Whether to send C{command} before those in flight are answered.
        """
        if command.follows and all(one.yields for one in self._flights.values()):
            return True
        if self.alone is not None:
            return self.alone.leads and not command.alone
        return not command.alone

    def _rouse(self) -> None:
        """
        End IDLE as soon as another command waits.
        """
        idle = self.alone
        waits = self._queue and not self.resting
        if waits and isinstance(idle, Idle) and idle.resting:
            idle.resting = False
            self._write(idle, b"DONE\r\n")

    def _start(self, command: Command[Any]) -> None:
        command.tag = f"{next(self._tags):04X}"
        self._flights[command.tag] = command
        self._writing = command
        self._segments.extend(self._written(command))
        self._output.started(command)
        self._writeSegment()

    def _writeSegment(self) -> None:
        command = self._writing
        if command is None:
            return
        segment = self._segments.popleft()
        if self._segments:
            self._write(command, segment)
        elif isinstance(command, Appending):
            self._output.show(segment)
            command.started(segment)
        else:
            self._writing = None
            self._write(command, segment + b"\r\n")

    def _write(self, command: Command[Any], data: bytes) -> None:
        instead = f"{command.tag} {command.name} (not shown)" if command.secret else ""
        self._output.write(data, instead.encode("ascii"))

    def _written(self, command: Command[Any]) -> list[bytes]:
        """
        The command as it is sent; the server's leave is awaited between the
        parts.
        """
        segments = []
        line = f"{command.tag} {command.name}".encode("ascii")
        for word in command.words:
            if isinstance(word, Literal):
                size = len(word.octets)
                # What follows words that a server takes for none, it may take for
                # commands: only nothing is safe.
                if size or self._output.asksLeave(0):
                    segments.append(line + b" {%d}\r\n" % size)
                    line = word.octets
                else:
                    line += b" {0+}\r\n"
            else:
                line += b" " + word
        return [*segments, line]
