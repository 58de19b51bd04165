"""
What a server can do: decided here, from what it says of itself (CAPABILITY).

What has changed in a mailbox is found out in one of three ways, whatever else a server
can do: L{QRESYNC}, L{CONDSTORE} and L{COMPARING}.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

#: Without one of these, nothing that is said is understood.
REQUIRED = ("IMAP4REV1", "IMAP4REV2")

#: The server tells all that has changed since (RFC 7162, 3.2).
QRESYNC = "QRESYNC"
#: It tells new messages and flags; what has vanished is seen by comparing UIDs, where
#: there are fewer messages than there should be (RFC 7162, 3.1).
CONDSTORE = "CONDSTORE"
#: It tells what is there, and that is compared with what was.
COMPARING = "comparing"

#: What a word says that need not be said besides.
_IMPLIED = {
    # RFC 9051, appendix E: what that made part of the protocol.  All of it is there
    # though we never ENABLE IMAP4rev2, which would change how names are spelled.
    "IMAP4REV2": (
        "CHILDREN ENABLE ESEARCH IDLE LIST-EXTENDED LIST-STATUS LITERAL- MOVE"
        " NAMESPACE SASL-IR SEARCHRES SPECIAL-USE STATUS=SIZE UIDPLUS UNSELECT"
    ),
    "QRESYNC": "CONDSTORE ENABLE",  # RFC 7162, 3.2
    "LITERAL+": "LITERAL-",  # RFC 7888, 5
    "OBJECTID+": "OBJECTID",  # which can do more
}

#: RFC 7888, 5: the longest non-synchronising literal under LITERAL-.
_SMALL_LITERAL = 4096


class Features:
    """
    What one server can do.

    @param words: of its CAPABILITY; none while that is unknown.
    @ivar told: the same, in upper case.
    """

    def __init__(self, words: Iterable[bytes] = ()) -> None:
        self.told = frozenset(word.decode("ascii", "replace").upper() for word in words)
        implied = (_IMPLIED[word].split() for word in self.told & _IMPLIED.keys())
        self._words = self.told.union(*implied)

    def __contains__(self, word: object) -> bool:
        """
        Whether the server can do what this capability stands for.
        """
        return word in self._words

    @property
    def lacking(self) -> list[str]:
        """
        What is required, and is not there.
        """
        return [] if self.told.intersection(REQUIRED) else [REQUIRED[0]]

    def without(self, distrusted: Collection[str]) -> Features:
        """
        The same, but for what is not believed.
        """
        features = Features()
        features.told, features._words = self.told, self._words - {*distrusted}
        return features

    @property
    def way(self) -> str:
        """
        The best way to find out what has changed.
        """
        return next((way for way in (QRESYNC, CONDSTORE) if way in self), COMPARING)

    @property
    def listsExtended(self) -> bool:
        """
        Whether LIST tells what is subscribed, if it is asked to (RFC 5258).
        """
        return "LIST-EXTENDED" in self

    @property
    def listsStatus(self) -> bool:
        """
        Whether it tells the STATUS of each mailbox as well (RFC 5819).
        """
        return self.listsExtended and "LIST-STATUS" in self

    @property
    def asksForSpecialUse(self) -> bool:
        """
        Whether LIST may be asked for what mailboxes are used for (RFC 6154, 3).
        IMAP4rev2 tells it, too, but has no word to ask for it.
        """
        return "SPECIAL-USE" in self.told

    @property
    def appendLimit(self) -> int | None:
        """
        So many octets may be in a message that is appended to any mailbox (RFC
        7889); C{None} if that is not said.
        """
        return self._number("APPENDLIMIT")

    @property
    def messageLimit(self) -> int | None:
        """
        So many messages a command is done for at a time (RFC 9738); C{None} if that
        is not said.
        """
        return self._number("MESSAGELIMIT") or None

    @property
    def saveLimit(self) -> int | None:
        """
        The same for COPY and APPEND.
        """
        limits = self.messageLimit, self._number("SAVELIMIT")
        return min(filter(None, limits), default=None)

    def _number(self, name: str) -> int | None:
        """
        What is said behind the name of a capability.
        """
        for word in self.told:
            told, _, number = word.partition("=")
            if told == name and number.isdecimal() and len(number) < 20:
                return int(number)
        return None

    def asksLeave(self, size: int) -> bool:
        """
        Whether the server's leave must be awaited for a literal of C{size} octets
        (RFC 7888).
        """
        if "LITERAL+" in self._words:
            return False
        return "LITERAL-" not in self._words or size > _SMALL_LITERAL
