"""
Sets of UIDs, kept as ranges as IMAP writes them (RFC 9051, C{sequence-set}).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Final

MAXIMUM = 2**32 - 1

_SET = re.compile(r"\d{1,10}(?::\d{1,10})?(?:,\d{1,10}(?::\d{1,10})?)*", re.ASCII)

Range = tuple[int, int]

# Greater than any last one: what is compared with it comes to its end.
_BEYOND = (MAXIMUM + 1, MAXIMUM + 1)


class UidSet:
    """
    An immutable set of UIDs.

    @ivar ranges: pairs of first and last UID, both inclusive, ascending, not
        touching each other.
    """

    __slots__ = ("ranges",)

    def __init__(self, ranges: tuple[Range, ...] = ()) -> None:
        self.ranges: Final = ranges

    @classmethod
    def of(cls, uids: Iterable[int]) -> UidSet:
        """
        The set of these UIDs, in any order.
        """
        ranges: list[Range] = []
        first = last = 0
        for uid in sorted(uids):
            if uid > last + 1 or not last:
                if last:
                    ranges.append((first, last))
                first = uid
            last = uid
        if last:
            ranges.append((first, last))
        return cls(tuple(ranges))

    @classmethod
    def ofRanges(cls, ranges: Iterable[Range]) -> UidSet:
        """
        The union of these ranges, in any order; they may overlap.
        """
        return cls(tuple(_joined(sorted(ranges))))

    @classmethod
    def parse(cls, text: str | bytes) -> UidSet:
        """
        Read a C{sequence-set} without C{*}.

        @raise ValueError: if it is none, or has a number that is no UID.
        """
        return cls.ofRanges(parsed(text))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UidSet) and self.ranges == other.ranges

    def __hash__(self) -> int:
        return hash(self.ranges)

    def __repr__(self) -> str:
        return f"UidSet({self.ranges!r})"

    def __str__(self) -> str:
        return ",".join(str(a) if a == b else f"{a}:{b}" for a, b in self.ranges)

    def __bool__(self) -> bool:
        return bool(self.ranges)

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self.ranges)

    def __iter__(self) -> Iterator[int]:
        for first, last in self.ranges:
            yield from range(first, last + 1)

    def __contains__(self, uid: int) -> bool:
        return self.covers(uid, uid)

    def covers(self, first: int, last: int) -> bool:
        """
        Whether all from C{first} to C{last} are in it.
        """
        at = bisect_right(self.ranges, (first, MAXIMUM + 1)) - 1
        return at >= 0 and self.ranges[at][1] >= last

    # Most that are joined or subtracted are empty, or what they are subtracted from.

    def __or__(self, other: UidSet) -> UidSet:
        if not (self and other):
            return self or other
        return UidSet.ofRanges(self.ranges + other.ranges)

    def __and__(self, other: UidSet) -> UidSet:
        return UidSet(tuple(_common(self.ranges, other.ranges)))

    def __sub__(self, other: UidSet) -> UidSet:
        if not (self and other):
            return self
        if self.ranges == other.ranges:
            return UidSet()
        return UidSet(tuple(_without(self.ranges, other.ranges)))

    def split(self, size: int) -> Iterator[UidSet]:
        """
        Sets of at most C{size} UIDs, ascending, which together are this one.
        """
        pending: list[Range] = []
        room = size
        for first, last in self.ranges:
            start = first
            while start <= last:
                end = min(last, start + room - 1)
                pending.append((start, end))
                room -= end - start + 1
                start = end + 1
                if not room:
                    yield UidSet(tuple(pending))
                    pending, room = [], size
        if pending:
            yield UidSet(tuple(pending))

    def printed(self, octets: int = 8000) -> Iterator[str]:
        """
        This set as texts of at most C{octets} each: servers refuse longer
        arguments.
        """
        words: list[str] = []
        length = 0
        for first, last in self.ranges:
            word = str(first) if first == last else f"{first}:{last}"
            if words and length + len(word) > octets:
                yield ",".join(words)
                words, length = [], 0
            words.append(word)
            length += len(word) + 1
        if words:
            yield ",".join(words)


def parsed(text: str | bytes) -> list[Range]:
    """
    The ranges of a C{sequence-set} in the order in which they stand there
    (APPENDUID and COPYUID give that order a meaning: RFC 4315, 3).

    @raise ValueError: as L{UidSet.parse} does.
    """
    if isinstance(text, bytes):
        text = text.decode("ascii", "replace")
    if not _SET.fullmatch(text):
        raise ValueError(f"not a set of UIDs: {text[:40]!r}")
    words = text.split(",")
    if ":" not in text:
        return _singles(words)
    ranges = []
    for word in words:
        first, _, last = word.partition(":")
        a, b = int(first), int(last or first)
        if not (0 < a <= MAXIMUM and 0 < b <= MAXIMUM):
            raise ValueError(f"no UID: {word}")
        ranges.append((min(a, b), max(a, b)))
    return ranges


def _singles(words: list[str]) -> list[Range]:
    uids = [int(word) for word in words]
    if not 0 < min(uids) <= max(uids) <= MAXIMUM:
        raise ValueError("a number among them is no UID")
    return [(uid, uid) for uid in uids]


class UidSetBuilder:
    """
    Collects UIDs, mostly ascending, without ever holding them one by one.
    """

    def __init__(self) -> None:
        self._ranges: list[Range] = []

    def add(self, uid: int) -> None:
        """
        Add one UID.
        """
        ranges = self._ranges
        if ranges and ranges[-1][1] == uid - 1:
            ranges[-1] = (ranges[-1][0], uid)
        else:
            ranges.append((uid, uid))

    def update(self, uids: UidSet) -> None:
        """
        Add a set.
        """
        ranges, more = self._ranges, uids.ranges
        if ranges and more and ranges[-1][1] == more[0][0] - 1:
            ranges[-1] = (ranges[-1][0], more[0][1])
            more = more[1:]
        ranges.extend(more)

    def build(self) -> UidSet:
        """
        What was collected so far.
        """
        return UidSet.ofRanges(self._ranges)


def _joined(ranges: Iterable[Range]) -> Iterator[Range]:
    start = end = 0
    for first, last in ranges:
        if end and first <= end + 1:
            end = max(end, last)
            continue
        if end:
            yield start, end
        start, end = first, last
    if end:
        yield start, end


def _common(ours: tuple[Range, ...], theirs: tuple[Range, ...]) -> Iterator[Range]:
    others = iter(theirs)
    begin, end = next(others, _BEYOND)
    for first, last in ours:
        while begin <= last:
            if end >= first:
                yield max(first, begin), min(last, end)
                if end > last:
                    break  # it may reach into the next of ours, too
            begin, end = next(others, _BEYOND)


def _without(ours: tuple[Range, ...], theirs: tuple[Range, ...]) -> Iterator[Range]:
    others = iter(theirs)
    begin, end = next(others, _BEYOND)
    for first, last in ours:
        rest = first
        while begin <= last:
            if begin > rest:
                yield rest, begin - 1
            if end >= rest:
                rest = end + 1
            if end > last:
                break  # it may reach into the next of ours, too
            begin, end = next(others, _BEYOND)
        if rest <= last:
            yield rest, last
