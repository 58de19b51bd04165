"""
Mail to copy.  The same number always makes the same messages.
"""

from __future__ import annotations

import base64
import math
import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from functools import cache

from imapsync.test.integration.accounts import Mail

#: Octets of one line, its end included.
_LINE = 78
_LINES = 60_000
_START = datetime(2015, 1, 1, tzinfo=timezone.utc)
#: All programs can carry these.
_FLAGS = ("\\Seen", "\\Answered", "\\Flagged")

Size = Callable[[random.Random], float]


def usual(rng: random.Random) -> float:
    """
    Around 8 KB, some of several hundred, few of more than a million.
    """
    return min(rng.lognormvariate(math.log(8000), 1.2), 5_000_000)


def small(rng: random.Random) -> float:
    """
    Less than 1 KB.
    """
    return rng.uniform(400, 1000)


def large(rng: random.Random) -> float:
    """
    From 10 to 50 KB.
    """
    return rng.uniform(10_000, 50_000)


def exactly(octets: int) -> Size:
    """
    Always the same.
    """
    return lambda rng: octets


def mails(count: int, size: Size, seed: int = 1) -> Iterator[Mail]:
    """
    C{count} messages; half of each is text, half is base 64.
    """
    rng = random.Random(f"{count} {seed}")
    for number in range(count):
        # A million end before today: Dovecot takes no date that is yet to come.
        date = _START + timedelta(minutes=6 * number)
        head = _head(rng, number, seed, date)
        octets = int(size(rng) - len(head))
        flags = rng.sample(_FLAGS, rng.choice((0, 1, 1, 2)))
        yield Mail(head + body(rng, octets), flags, date)


def _head(rng: random.Random, number: int, seed: int, date: datetime) -> bytes:
    name = f"{rng.getrandbits(32):08x}"
    return (
        f"Received: from mail.example.net; {date:%d %b %Y %H:%M:%S} +0000\r\n"
        f"From: {name} <{name}@example.net>\r\nTo: me <me@example.org>\r\n"
        f"Message-ID: <{seed}.{number}.{name}@example.net>\r\n"
        f"Date: {date:%a, %d %b %Y %H:%M:%S} +0000\r\n"
        f"Subject: number {number}, about {name}\r\n\r\n"
    ).encode()


def body(rng: random.Random, octets: int) -> bytes:
    """
    Lines of words and of base 64: as many as fit in, and at least one.
    """
    lines, stock = max(1, octets // _LINE), _stock()
    half = lines - lines // 2
    words = _cut(rng, stock[0], half)
    return words + _cut(rng, stock[1], lines // 2)


def _cut(rng: random.Random, stock: bytes, lines: int) -> bytes:
    begin = rng.randrange(_LINES) * _LINE
    found = stock[begin : begin + lines * _LINE]
    while len(found) < lines * _LINE:
        found += stock[: lines * _LINE - len(found)]
    return found


@cache
def _stock() -> tuple[bytes, bytes]:
    """
    Lines of words, and lines of base 64.
    """
    rng = random.Random("stock")
    words = [
        "".join(rng.choices("abcdefghijklmnoprstuvwy", k=rng.randint(2, 9)))
        for _ in range(3000)
    ]
    text = []
    for _ in range(_LINES):
        line = " ".join(rng.choices(words, k=16))
        text.append(f"{line[: _LINE - 2]:{_LINE - 2}}\r\n")
    octets = rng.randbytes(_LINES * 57)
    coded = base64.encodebytes(octets).replace(b"\n", b"\r\n")
    return "".join(text).encode(), coded
