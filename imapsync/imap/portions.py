"""
What is asked about many messages, in as many commands as that takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, DeferredList
from twisted.python.failure import Failure

from imapsync.errors import Refused
from imapsync.imap.commands.limited import ALL, Limited
from imapsync.uidset import MAXIMUM, UidSet

T = TypeVar("T")

#: Sends a command; its result comes with the answer.
Perform = Callable[[Limited[T]], Deferred[T]]

#: Makes a command for UIDs, as they are sent.
Make = Callable[[str], Limited[T]]

#: Takes the number of messages that a server does at a time, if it turns out.
Learn = Callable[[int], None]


async def inPortions(
    perform: Perform[T],
    uids: UidSet,
    make: Make[T],
    learn: Learn,
    most: int | None = None,
    octets: int = 8000,
) -> list[T]:
    """
    Have it done for all of C{uids}; what a server does in part is gone on with, until
    all is done.

    It fails as the first command that does, but not before the last is done.

    @param most: so many messages a server does at a time, if that is known.
    @param octets: so many name the messages in one command at the most.
    @return: the results of all commands.
    @raise Refused: the server does no more, though it says that it could.
    """
    results: list[T] = []
    waiting = [list(_portions(uids, most))]
    while waiting:
        some = waiting.pop()
        commands = [make(text) for portion in some for text in _texts(portion, octets)]
        answers = DeferredList([*map(perform, commands)], consumeErrors=True)
        outcomes: list[tuple[bool, Any]] = await answers
        for command, (_, outcome) in zip(commands, outcomes, strict=True):
            if isinstance(outcome, Failure) and not _isLimited(command, outcome):
                outcome.raiseException()
        for command in commands:
            if command.limit is not None and command.limit.most:
                learn(command.limit.most)
        results += [outcome for done, outcome in outcomes if done]
        waiting += [_rest(command) for command in reversed(commands) if command.left]
    return results


def _rest(command: Limited[Any]) -> list[UidSet]:
    """
    What is still to be done, in portions.
    """
    left = command.left
    if left != command.asked:
        return [left]
    # It does not say what was done, and perhaps nothing was.
    size = len(left)
    if size == 1:
        text = "none is done at a time"
        raise Refused(command.name, "NO", "MESSAGELIMIT", text)
    return [*left.split((size + 1) // 2)]


def _isLimited(command: Limited[Any], failure: Failure) -> bool:
    error = failure.value
    return (
        isinstance(error, Refused)
        and error.responseCode == "MESSAGELIMIT"
        and command.limit is not None
    )


def _portions(uids: UidSet, most: int | None) -> Iterator[UidSet]:
    # Where there is no end, most UIDs are those of no message.
    if most is None or (uids and uids.ranges[-1][1] == MAXIMUM):
        return iter([uids])
    return uids.split(most)


def _texts(uids: UidSet, octets: int) -> Iterator[str]:
    return iter(["1:*"]) if uids == ALL else uids.printed(octets)
