"""
Processes that a test plays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.error import ProcessDone, ProcessExitedAlready, ProcessTerminated
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import Clock
from twisted.python.failure import Failure


class Processes(Clock):
    """
    A reactor that runs no process, but lets a test play one.

    @ivar atShutdown: what is to be done then.
    """

    def __init__(self) -> None:
        super().__init__()
        self.protocol = ProcessProtocol()
        self.arguments: list[str] = []
        self.environment: object = "?"
        self.descriptors: dict[int, str | int] = {}
        self.missing = False
        self.atShutdown: list[Callable[[], None]] = []

    def addSystemEventTrigger(
        self, phase: str, event: str, act: Callable[[], None]
    ) -> Callable[[], None]:
        """
        Do something when the reactor is about to end.
        """
        self.atShutdown.append(act)
        return act

    def removeSystemEventTrigger(self, act: Callable[[], None]) -> None:
        """
        Or not.
        """
        self.atShutdown.remove(act)

    def spawnProcess(
        self,
        protocol: ProcessProtocol,
        executable: str,
        arguments: list[str],
        env: object,
        childFDs: dict[int, str | int],
    ) -> None:
        """
        Start the only process.
        """
        if self.missing:
            raise FileNotFoundError(2, "No such file or directory")
        self.protocol, self.arguments, self.environment = protocol, arguments, env
        self.descriptors = childFDs
        self.process = Process(protocol)
        protocol.makeConnection(self.process)

    def end(self, status: int = 0, signal: int | None = None) -> None:
        """
        The process ends, and its pipes are closed.
        """
        if not self.process.exited:
            self.exit(status, signal)
        self.process.endInput()
        for descriptor in (1, 2):
            self.protocol.childConnectionLost(descriptor)
        self.protocol.processEnded(_ending(status, signal))

    def exit(self, status: int = 0, signal: int | None = None) -> None:
        """
        The process ends, but somebody holds its pipes open.
        """
        self.process.exited = True
        self.protocol.processExited(_ending(status, signal))


def _ending(status: int, signal: int | None) -> Failure:
    if status or signal:
        return Failure(ProcessTerminated(None if signal else status, signal))
    return Failure(ProcessDone(0))


class Process:
    """
    What a process protocol sees of its process.

    @ivar stuck: whether it takes nothing more, so that its input cannot be closed
        for what is left to be written.
    """

    exited = False
    reading = True
    stuck = False
    pid: int | None = None

    def __init__(self, protocol: ProcessProtocol) -> None:
        self.written = b""
        self.events: list[str] = []
        self.producers: list[Any] = []
        self._protocol = protocol
        self._input = True

    def write(self, data: bytes) -> None:
        """
        To its standard input.
        """
        self.written += data

    def closeStdin(self) -> None:
        """
        End its standard input.
        """
        self.events.append("EOF")
        if not self.stuck:
            self.endInput()

    def endInput(self) -> None:
        """
        Its standard input is closed, by whichever end.
        """
        if self._input:
            self._input = False
            self._stopProducers()
            self._protocol.childConnectionLost(0)

    def _stopProducers(self) -> None:
        producers, self.producers = self.producers, []
        for producer in producers:
            producer.stopProducing()

    @property
    def pipes(self) -> Mapping[int, Process]:
        """
        Its standard input, while it is open.
        """
        return {0: self} if self._input else {}

    def connectionLost(self, reason: Failure) -> None:
        """
        Its standard input is gone, whatever it still holds.
        """
        self.events.append("dropped")
        self.endInput()

    def loseConnection(self) -> None:
        """
        Close all pipes.
        """
        self.events.append("closed")

    def signalProcess(self, name: str) -> None:
        """
        Only the living hear signals.
        """
        if self.exited:
            raise ProcessExitedAlready
        self.events.append(name)

    def pauseProducing(self) -> None:
        """
        Stop reading its output.
        """
        self.reading = False

    def resumeProducing(self) -> None:
        """
        Go on reading it.
        """
        self.reading = True

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """
        To be paused while its standard input is full.
        """
        self.producers.append(producer)
        if not self._input:
            self._stopProducers()

    def unregisterProducer(self) -> None:
        """
        No longer.
        """
        self.producers.clear()
