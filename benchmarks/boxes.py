"""
Mailboxes, and what is in them at first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from benchmarks.mail import Size, mails, usual
from benchmarks.mixed import mixed
from imapsync.test.integration.accounts import Mail

#: Mailboxes and what is in them.
Boxes = dict[str, Iterable[Mail]]

#: Those of an account, by the scale: 1 is everything.
Scaled = Callable[[float], Boxes]

#: How ten thousand messages are shared out among mailboxes of very different size.
_SHARES = (
    *(3000, 2100, 1500, 1000, 700, 500, 350, 250, 180, 130),
    *(95, 65, 45, 30, 21, 14, 9, 6, 4, 1),
)


@dataclass(frozen=True)
class Stuff:
    """
    Messages.
    """

    count: int
    size: Size
    seed: int = 1

    def __iter__(self) -> Iterator[Mail]:
        return mails(self.count, self.size, self.seed)


def inbox(count: int, size: Size) -> Scaled:
    """
    All in one.
    """
    return lambda scale: {"INBOX": Stuff(max(1, int(count * scale)), size)}


def spread(boxes: int, each: int, size: Size) -> Scaled:
    """
    C{each} messages in each of many mailboxes; the scale is about these.
    """

    def made(scale: float) -> Boxes:
        names = [f"Work/{n % 10}/{n}" for n in range(max(1, int(boxes * scale)) - 1)]
        return {
            name: Stuff(each, size, seed) for seed, name in enumerate(["INBOX", *names])
        }

    return made


def twenty(each: int) -> Scaled:
    """
    C{each} messages in each of 20; the scale is about the messages.
    """
    count = range(20)
    return lambda scale: {
        _project(n): Stuff(max(1, int(each * scale)), usual, n) for n in count
    }


def people(scale: float) -> Boxes:
    """
    Ten thousand in 20 mailboxes of very different size, as people have them.
    """
    return {
        _project(n): mixed(max(1, int(share * scale)), n)
        for n, share in enumerate(_SHARES)
    }


def _project(number: int) -> str:
    return f"Project {number - 1}" if number else "INBOX"
