"""
What is asked of mailboxes of which LIST does not tell all, whoever waits for answers;
and how to wait for them without Twisted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Generator, Iterable, Sequence
from typing import Any, Generic, Protocol, TypeVar

from imapsync.errors import Lost
from imapsync.imap.commands.account import BURST, StatusCommand, itemsOf
from imapsync.imap.commands.base import Command
from imapsync.imap.commands.mailbox import Unselect
from imapsync.imap.features import CONDSTORE, Features
from imapsync.imap.sight import Sight, Target
from imapsync.model import Glimpse, Listed, Status

T = TypeVar("T")

#: So many mailboxes are looked at before the first is told.
_AHEAD = 64


class Client(Protocol):
    """
    A connection, of L{imapsync.imap.login}.
    """

    features: Features
    way: str
    resyncs: bool

    def perform(self, command: Command[T], /) -> Awaitable[T]:
        """
        Send a command as soon as those before it allow.
        """


class Answer(Generic[T]):
    """
    What a command results in: L{Promise<imapsync.imap.commands.base.Promise>}.

    Whoever awaits it is to be stepped on whenever octets have come.
    """

    def __init__(self) -> None:
        self.called = False
        self._results: list[T] = []
        self._error: Exception = Lost("no answer")

    def callback(self, result: T, /) -> None:
        """
        The command has this result.
        """
        self.called = True
        self._results.append(result)

    def errback(self, fail: Exception, /) -> None:
        """
        It failed.
        """
        self.called = True
        self._error = fail

    def __await__(self) -> Generator[None, None, T]:
        while not self.called:
            yield
        for result in self._results:
            return result
        raise self._error


async def withStatus(client: Client, listed: Iterable[Listed]) -> list[Listed]:
    """
    Mailboxes with their STATUS, if that was not told.
    """
    boxes = {box.name: box for box in listed}
    items = itemsOf(client.features)
    flights: deque[tuple[Listed, Awaitable[Status]]] = deque()

    async def land() -> None:
        box, flight = flights.popleft()
        boxes[box.name] = box._replace(status=await flight)

    for box in [*boxes.values()]:
        if box.selectable and not box.status:
            if len(flights) == BURST:
                await land()
            flights.append((box, client.perform(StatusCommand(box.name, items))))
    while flights:
        await land()
    return [*boxes.values()]


async def isShown(client: Client, wanted: Sequence[Glimpse]) -> bool:
    """
    Whether mailboxes show what they did.
    """
    counts = client.resyncs or client.way == CONDSTORE
    flights: deque[tuple[Glimpse, Sight, list[Awaitable[Any]]]] = deque()

    async def isSame() -> bool:
        one, sight, flight = flights.popleft()
        selected, *_ = [await answer for answer in flight]
        return sight.glimpse(selected) == one

    for number, one in enumerate(wanted):
        if len(flights) == _AHEAD and not await isSame():
            return False
        if number:
            client.perform(Unselect("UNSELECT" in client.features))
        sight = Sight(Target(one.name, one.keywords), client.resyncs, counts)
        flights.append((one, sight, [client.perform(c) for c in sight.commands]))
    while flights:
        if not await isSame():
            return False
    return True
