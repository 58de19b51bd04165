"""
What a message is known by where its server does not keep all of it: L{Traits}.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeVar

from imapsync.content.digest import HEADER_LIMIT, BodyDigest
from imapsync.model import Octets

_FOLD = re.compile(rb"\r?\n(?=[ \t])")
_FIELD = re.compile(
    rb"^(message-id|date|from|to|subject)[ \t]*:[ \t]*([^\r\n]*)", re.I | re.M
)
_REST = (b"date", b"from", b"to", b"subject")


class Traits(NamedTuple):
    """
    What two that are the same message have in common, the weaker the later.  Both are
    empty if it has neither a Message-ID nor a date: then others may have the same.

    @ivar header: a digest of all of its header, without its size.
    @ivar names: a digest of its Message-ID, or else of who wrote what to whom, and
        when.
    @ivar date: the instant of its INTERNALDATE; 0 if that is not known.
    """

    header: bytes
    names: bytes
    date: int = 0


class TraitDigest:
    """
    The traits of one message, from the bytes of its header in pieces.
    """

    def __init__(self) -> None:
        self._head = bytearray()

    def write(self, data: Octets) -> None:
        """
        Take the next piece.
        """
        self._head += bytes(data)[: HEADER_LIMIT - len(self._head)]

    @property
    def traits(self) -> Traits:
        """
        What they are, once all pieces were written.
        """
        head = bytes(self._head).strip(b"\r\n")
        fields = {
            name.lower(): b" ".join(value.split())
            for name, value in _FIELD.findall(_FOLD.sub(b"", head))
        }
        named = fields.get(b"message-id", b"")
        if not named and fields.get(b"date"):
            named = b"\0".join(fields.get(name, b"") for name in _REST)
        if not named:
            return Traits(b"", b"")
        whole, names = BodyDigest(), BodyDigest()  # to which 8-bit bytes are all one
        whole.write(head)
        names.write(named)
        return Traits(whole.digest(0), names.digest(0))


T = TypeVar("T")

#: A message, by its UID, and what it is known by.
Known = tuple[int, Traits]


def alike(
    ours: Iterable[Known],
    theirs: Iterable[Known],
    whole: bool = False,
    dated: bool = False,
) -> list[tuple[int, int]]:
    """
    The UIDs of those that are the same message: of k that have the same in common here
    and k there, the nth is the nth.  Where a message has come two ways, its headers and
    dates differ.

    @param whole: whether all of the header has to be the same.
    @param dated: whether the date has to be, where not all of the header is.
    """
    found: list[tuple[int, int]] = []
    here, there = dict(ours), dict(theirs)
    ladder = _LADDER[:1] if whole else _LADDER[:2] if dated else _LADDER
    for trait in ladder:
        some = _joined(here, there, trait)
        found += some
        for uid, other in some:
            del here[uid], there[other]
    return found


def _header(traits: Traits) -> bytes:
    return traits.header


def _dated(traits: Traits) -> bytes:
    return traits.names and b"%d %s" % (traits.date, traits.names)


def _names(traits: Traits) -> bytes:
    return traits.names


_LADDER = (_header, _dated, _names)


def _joined(
    here: dict[int, Traits], there: dict[int, Traits], trait: Callable[[Traits], bytes]
) -> list[tuple[int, int]]:
    waiting: dict[bytes, list[int]] = {}
    for uid in sorted(there, reverse=True):
        waiting.setdefault(trait(there[uid]), []).append(uid)
    waiting.pop(b"", None)
    return [
        (uid, waiting[known].pop())
        for uid in sorted(here)
        if waiting.get(known := trait(here[uid]))
    ]


def inOrder(ours: Sequence[T], theirs: Sequence[int]) -> list[tuple[T, int]]:
    """
    Where as many are here as there, and nothing else can be said of them, each is that
    which came in its turn.
    """
    return [*zip(ours, theirs, strict=True)] if len(ours) == len(theirs) else []
