"""
The values that all parts of imapsync speak with each other.
"""

# Annotations are evaluated here: as text, that of each field of a tuple would be
# compiled whenever the program starts.

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from imapsync.uidset import UidSet

#: Flags and keywords of a message as the server spells them, never C{\\Recent}.
#: They are case-insensitive (RFC 9051, 2.3.2): compare with L{imapsync.plan.flags}'s
#: functions, not with the set operators.
Flags = frozenset[str]


def flagsText(flags: Flags) -> str:
    """
    C{flags} as one text: sorted, a space between two of them.
    """
    return " ".join(sorted(flags))


def flagsOf(text: str) -> Flags:
    """
    The flags that L{flagsText} wrote.
    """
    return frozenset(text.split(" ")) if text else frozenset()


#: A message, or a piece of one.
Octets = bytes | memoryview


#: A mailbox by the name that both sides share: levels joined by C{/}, without
#: the server's prefix; C{INBOX} in upper case.
Name = str


class Side(enum.Enum):
    """
    One of the two accounts.
    """

    LOCAL = "local"
    REMOTE = "remote"

    # Equal is what is identical; that of Enum takes many times longer.
    __hash__ = object.__hash__

    @property
    def other(self) -> "Side":
        """
        The account across.
        """
        return Side.REMOTE if self is Side.LOCAL else Side.LOCAL

    def __str__(self) -> str:
        return self.value


class Act(enum.Enum):
    """
    What may be done on a side: to its mailboxes, and to its messages.
    """

    CREATE = "create"
    DELETE = "delete"
    RENAME = "rename"
    APPEND = "append"
    FLAGS = "flags"
    EXPUNGE = "expunge"
    SUBSCRIBE = "subscribe"

    __hash__ = object.__hash__

    def __str__(self) -> str:
        return self.value


#: What of it is allowed, in this order.  A side of which nothing is to be written
#: has none of it.
Allowed = tuple[Act, ...]

EVERYTHING: Allowed = tuple(Act)


class Owner(NamedTuple):
    """
    Whose one side is, as far as that can be told without looking into it.

    @ivar account: where the configuration leads to.
    @ivar port: which it was, if not the usual one.  One account may be reached by
        several; two sides on one host may be told from each other.
    @ivar greeting: what the server said of itself, where that tells more.
    """

    account: str
    port: int = 0
    greeting: str = ""


class Mark(NamedTuple):
    """
    Up to where a mailbox on one side has been dealt with (RFC 7162, 3.1).

    Every message below C{uidnext} and every change up to C{modseq} is done.  Where that
    is 0, none is told: what has changed is found by comparing all messages.
    """

    uidvalidity: int
    uidnext: int
    modseq: int


#: Tells an identity that is no MAILBOXID from one that is.
GUID = "X-GUID "


def differ(identity: str, other: str) -> bool:
    """
    Whether two mailboxes are two, as these identities prove: both of one kind.
    """
    if not (identity and other):
        return False
    kinds = {identity.startswith(GUID), other.startswith(GUID)}
    return len(kinds) == 1 and identity != other


class Known(NamedTuple):
    """
    What the database knows of one mailbox.

    @ivar id: the database's key for it.
    @ivar marks: up to where each side is done; a side that was never synced,
        or must be compared in full, has none.
    @ivar identities: MAILBOXID (RFC 8474), or Dovecot's GUID behind L{GUID};
        an empty string where the server told none.
    @ivar subscribed: what both sides last agreed on.
    @ivar pairs: how many pairs there are.
    @ivar retries: whether some message is to be looked at again (see
        L{imapsync.state.interface.Leftovers.postpone}).
    @ivar spellings: what servers call it that changed its name when it was made.
    @ivar strays: how many messages more than there are pairs are on a side, when
        all is done that can be; 0 where it does not say.
    @ivar alone: the side on which it stays, though it is gone from the other, since
        it may not be deleted there.
    """

    id: int
    name: Name
    marks: Mapping[Side, Mark]
    identities: Mapping[Side, str]
    subscribed: bool
    pairs: int
    retries: bool
    spellings: Mapping[Side, str] = MappingProxyType({})
    strays: Mapping[Side, int] = MappingProxyType({})
    alone: Side | None = None

    @property
    def compared(self) -> bool:
        """
        Whether a server does not tell what has changed, so that all messages are to be
        compared.
        """
        return any(not mark.modseq for mark in self.marks.values())

    def holds(self, side: Side) -> int:
        """
        How many messages are known to be on C{side}.
        """
        return self.pairs + self.strays.get(side, 0)


class Pair(NamedTuple):
    """
    One message, known on both sides.  There are many: a tuple is made the fastest.

    @ivar flags: what both sides last agreed on.
    @ivar key: the content key (L{imapsync.content.digest}), 16 bytes; empty if it
        was never computed.
    @ivar size: RFC822.SIZE; 0 if unknown.
    @ivar stamp: L{imapsync.content.digest.stamp}; 0 if it has none, or not the same on
        both sides.
    """

    local: int
    remote: int
    flags: Flags
    key: bytes = b""
    size: int = 0
    stamp: int = 0

    def uid(self, side: Side) -> int:
        """
        The message's UID on C{side}.
        """
        return self.local if side is Side.LOCAL else self.remote


#: Of a message that is known: its local UID, its remote one, and the flags that both
#: sides last agreed on.
Agreed = tuple[int, int, Flags]


class Given(NamedTuple):
    """
    What a server was given with a copy.

    @ivar date: the instant of its INTERNALDATE; 0 if it was given none.
    """

    flags: Flags
    date: int


class Doubt(NamedTuple):
    """
    An APPEND of a message to the other side that was not answered, and that was
    followed by another one: what it brought may still show up.

    @ivar id: the database's key for it.
    @ivar uid: the message's UID on the side that it comes from.
    @ivar given: what came with a later one; C{None} if that is not known.
    @ivar copy: the UID of what has shown up, and is being removed; C{None} if
        nothing has.
    """

    id: int
    uid: int
    given: Given | None = None
    copy: int | None = None


class Status(NamedTuple):
    """
    A STATUS response (RFC 9051, 7.3.4); an item that was not told is 0.
    """

    messages: int = 0
    uidnext: int = 0
    uidvalidity: int = 0
    modseq: int = 0
    unseen: int = 0


#: Attributes of a name without a mailbox behind it.
ABSENT = frozenset(("\\noselect", "\\nonexistent"))


class Listed(NamedTuple):
    """
    One mailbox in a LIST response (RFC 5258), with its STATUS (RFC 5819).

    @ivar name: as the server spells it, decoded from modified UTF-7; but C{INBOX}
        in upper case.
    @ivar attributes: lower case, such as C{\\noselect}.
    @ivar status: C{None} where the server told none.
    """

    name: str
    separator: str
    attributes: frozenset[str]
    status: Status | None = None

    @property
    def selectable(self) -> bool:
        """
        Whether there is a mailbox behind the name.
        """
        return ABSENT.isdisjoint(self.attributes)

    @property
    def subscribed(self) -> bool:
        """
        Whether it is subscribed (RFC 5258, 3.4).
        """
        return "\\subscribed" in self.attributes

    def withSubscription(self, subscribed: bool) -> "Listed":
        """
        The same, as it is listed when it is subscribed, or is not.
        """
        others = self.attributes - {"\\subscribed"}
        now = {"\\subscribed"} if subscribed else frozenset[str]()
        return self._replace(attributes=others | now)

    @property
    def mark(self) -> Mark | None:
        """
        Where it was when its STATUS was told, if UIDVALIDITY and UIDNEXT were.
        """
        told = self.status or Status()
        mark = Mark(told.uidvalidity, told.uidnext, told.modseq)
        return mark if mark.uidvalidity and mark.uidnext else None


class Refusal(NamedTuple):
    """
    Messages that were not carried over, or whose flags were not: a server refused
    them, or something else was in the way.  They are tried again.

    All times are in seconds since 1970.

    @ivar side: where they are.
    @ivar uids: which; empty, if it is about a mailbox as a whole, such as its name,
        which is tried in each run.
    @ivar reason: why, as it was told.
    @ivar code: the server's response code (RFC 9051, 7.1), or an empty string.
    @ivar since: when it was so for the first time; 0 if that was not noted.
    @ivar tries: how often it was.
    @ivar due: from when on they are tried again.
    """

    side: Side | None
    uids: UidSet
    reason: str
    code: str = ""
    since: int = 0
    tries: int = 0
    due: int = 0


class Glimpse(NamedTuple):
    """
    All that a server showed of a mailbox that was only examined.

    @ivar name: as the server spells it.
    @ivar keywords: those that were searched for, besides the flags that each server
        knows; C{None} if the flags of all messages were fetched.
    @ivar digest: the same for the same messages with the same flags, looked at in the
        same way.
    """

    name: str
    keywords: tuple[str, ...] | None
    digest: str


class Changes(NamedTuple):
    """
    What one side of a mailbox reported since its L{Mark}.

    @ivar flags: UID to present flags, of known messages whose flags are not
        the agreed ones.
    @ivar new: UIDs without a pair.
    @ivar gone: UIDs of known messages that the server no longer lists.
    @ivar agreed: what is agreed on the messages in C{flags}, by the same UIDs.
    """

    flags: Mapping[int, Flags] = MappingProxyType({})
    new: UidSet = UidSet()
    gone: UidSet = UidSet()
    agreed: Mapping[int, Agreed] = MappingProxyType({})

    def __bool__(self) -> bool:
        return bool(self.flags or self.new or self.gone)


class Trouble(NamedTuple):
    """
    Something that cannot be synced; the rest goes on.

    @ivar mailbox: where.
    @ivar text: what is wrong, and what can be done about it.
    @ivar side: whose doing it is, if it is that of one side.
    @ivar uids: the messages on C{side} that it is about, if it is about messages.
    @ivar code: the server's response code (RFC 9051, 7.1), or an empty string.
    """

    mailbox: Name
    text: str
    side: Side | None = None
    uids: UidSet = UidSet()
    code: str = ""

    def __str__(self) -> str:
        side = f"{self.side}: " if self.side else ""
        uids = f"UID {self.uids}: " if self.uids else ""
        return f"{side}{uids}{self.text}"
