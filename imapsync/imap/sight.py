"""
Looking at a mailbox without opening it: L{Sight}.

Either the flags of all messages are fetched; or it is searched for where each flag is,
which takes a hundredth of the octets.  That tells all only where a server names all
keywords of a mailbox when that is selected (FLAGS), and answers with ESEARCH.

What was seen is told from what is seen another time by a digest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from imapsync.imap.commands.base import Command
from imapsync.imap.commands.mailbox import Enter, MailboxListener, Selected
from imapsync.imap.commands.messages import Along, Where
from imapsync.imap.wire.arguments import isFlag
from imapsync.imap.wire.responses import Row
from imapsync.model import Flags, Glimpse, flagsText
from imapsync.uidset import UidSet

# Not by way of C{hashlib}, which brings OpenSSL: that takes longer than a look.
try:
    from _blake2 import blake2b
except ImportError:  # pragma: no cover
    from hashlib import blake2b

#: What stands for all messages, where others are by their flag
#: (L{imapsync.plan.places}).
EVERY = ""

#: How each is searched for that needs no word for it.
_WORDS = {
    EVERY: b"ALL",
    "\\answered": b"ANSWERED",
    "\\deleted": b"DELETED",
    "\\draft": b"DRAFT",
    "\\flagged": b"FLAGGED",
    "\\seen": b"SEEN",
}

#: The flags among them.
SYSTEM = frozenset(_WORDS) - {EVERY}

#: More keywords than that cost more than they save.
_MOST = 20

#: Of a digest, in octets.
_SIZE = 16


class Target(NamedTuple):
    """
    What is to be looked at.

    @ivar name: as the server spells it.
    @ivar keywords: as in L{Glimpse}.
    @ivar first: the flags of all messages from this UID on, if they are fetched.
    """

    name: str
    keywords: tuple[str, ...] | None = None
    first: int = 1


class Sight:
    """
    One look, a L{MailboxListener}.

    @param counts: see L{Enter}, as for C{resyncs}.
    @param listener: hears all as well.
    @ivar commands: to be sent one right behind the other; the first one selects.
    """

    def __init__(
        self,
        target: Target,
        resyncs: bool,
        counts: bool,
        listener: MailboxListener | None = None,
    ) -> None:
        self._target = target
        self._listener = listener
        self._told = 0  # times that EXISTS was
        self._rows = 0
        self._disturbed = False
        self._digest = blake2b(digest_size=_SIZE)
        self._fetching: Along | None = None
        self._searching: dict[str, Where] = {}
        if target.keywords is None:
            self._fetching = Along(target.first)
            asking: Sequence[Command[Any]] = [self._fetching]
        else:
            words = {one.lower(): b"KEYWORD " + one.encode() for one in target.keywords}
            words = _WORDS | words
            self._searching = {flag: Where(word) for flag, word in words.items()}
            asking = [*self._searching.values()]
        select = Enter(target.name, None, self, False, resyncs, counts)
        self.commands: list[Command[Any]] = [select, *asking]

    @property
    def partial(self) -> bool:
        """
        Whether less was fetched than there is.
        """
        return self._fetching is not None and bool(self._fetching.left)

    def isAt(self, selected: Selected, places: Mapping[str, UidSet]) -> bool:
        """
        Whether each flag is just there, as can be seen without reading what was told.
        """
        return (
            not self._isDisturbed
            and len(places[EVERY]) == selected.exists
            and places.keys() <= self._searching.keys()
            and all(
                one.text == str(places.get(flag, "")).encode()
                for flag, one in self._searching.items()
            )
        )

    def places(self, selected: Selected) -> Mapping[str, UidSet] | None:
        """
        Where each flag is, in lower case, and which messages there are (L{EVERY}).

        @return: C{None} if that was not told, or cannot be.
        """
        found = {flag: one.found for flag, one in self._searching.items()}
        told = {flag: uids for flag, uids in found.items() if uids is not None}
        every = told.get(EVERY, UidSet())
        if (
            not found
            or len(told) < len(found)
            or self._isDisturbed
            or len(every) != selected.exists
            or any(uids - every for uids in told.values())
        ):
            return None
        return told

    def glimpse(self, selected: Selected) -> Glimpse | None:
        """
        What was seen.

        @return: C{None} if it was not all, or something has happened meanwhile.
        """
        digest = self._digest.copy()
        if self._fetching is None:
            for flag, one in sorted(self._searching.items()):
                if one.text is None or self._isDisturbed:
                    return None
                digest.update(b"%s %s\n" % (flag.encode(), one.text))
        elif self._isDisturbed or self.partial or self._rows != selected.exists:
            return None
        told = selected._replace(name="", permanentFlags=None, flags=None)
        flags = selected.flags
        named = None if flags is None else flagsText(flags)
        digest.update(ascii((*told, named)).encode())
        name, keywords, _ = self._target
        return Glimpse(name, keywords, digest.hexdigest())

    @property
    def _isDisturbed(self) -> bool:
        return self._disturbed or self._told != 1

    # What is told

    def rowsReceived(self, rows: list[Row]) -> None:
        """
        Flags, which nobody may tell who was not asked.
        """
        if self._fetching is None:
            self._disturbed = True
        else:
            self._rows += len(rows)
            self._digest.update("".join(map(_line, rows)).encode())
            self._disturbed = self._disturbed or not all(map(_isWhole, rows))
        if self._listener is not None:
            self._listener.rowsReceived(rows)

    def vanished(self, uids: UidSet, earlier: bool) -> None:
        """
        Messages are gone.
        """
        self._disturbed = True
        if self._listener is not None:
            self._listener.vanished(uids, earlier)

    def existsReceived(self, messages: int) -> None:
        """
        So many there are.
        """
        self._told += 1
        if self._listener is not None:
            self._listener.existsReceived(messages)

    def expungeReceived(self) -> None:
        """
        A message is gone.
        """
        self._disturbed = True
        if self._listener is not None:
            self._listener.expungeReceived()

    def modseqReceived(self, modseq: int) -> None:
        """
        What answers tell besides matters to nobody.
        """


def keywordsOf(flags: Flags) -> tuple[str, ...] | None:
    """
    Those of C{flags} that are to be searched for by name.

    @return: C{None} if these are too many, or some cannot be.
    """
    keywords = {flag.lower(): flag for flag in flags if flag.lower() not in SYSTEM}
    if len(keywords) > _MOST or not all(map(_isKeyword, keywords.values())):
        return None
    return tuple(flag for _, flag in sorted(keywords.items()))


def _isKeyword(flag: str) -> bool:
    return isFlag(flag) and flag.isascii() and not {*"\\,"} & {*flag}


def _isWhole(row: Row) -> bool:
    return row.uid > 0 and row.flags is not None


@lru_cache(4096)
def _text(flags: Flags | None) -> str:
    return "" if flags is None else flagsText(flags)


def _line(row: Row) -> str:
    return f"{row.uid} {_text(row.flags)}\n"
