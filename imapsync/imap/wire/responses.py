"""
What a server says, as values (RFC 9051, 7; RFC 7162; RFC 5258): a catalogue.

They come by the thousand: so they are tuples, which are made the fastest.
"""

# Annotations are evaluated here: as text, that of each field of a tuple would be
# compiled whenever the program starts.

from collections.abc import Mapping
from typing import NamedTuple

from imapsync.model import Flags, Listed, Status
from imapsync.uidset import UidSet

#: In the order of the attributes of L{Status}.
STATUS_ITEMS = ("MESSAGES", "UIDNEXT", "UIDVALIDITY", "HIGHESTMODSEQ", "UNSEEN")


class Row(NamedTuple):
    """
    A FETCH response, by UID.

    @ivar uid: 0 if the server did not tell it.
    @ivar flags: C{None} if not told.
    @ivar modseq: 0 if not told.
    @ivar size: RFC822.SIZE, C{None} if not told.
    @ivar date: INTERNALDATE as sent, empty if not told.
    @ivar section: the section that was streamed ahead of this row, if any.
    @ivar identity: EMAILID (RFC 8474) or Gmail's X-GM-MSGID, empty if not told.
    @ivar labels: Gmail's, but for that of the mailbox; C{None} if not told.
    """

    uid: int
    flags: Flags | None = None
    modseq: int = 0
    size: int | None = None
    date: str = ""
    section: str = ""
    identity: str = ""
    labels: frozenset[str] | None = None


class Condition(NamedTuple):
    """
    A status response, tagged or untagged (RFC 9051, 7.1).

    @ivar tag: C{"*"} if untagged.
    @ivar code: the response code's name in upper case, or empty.
    """

    tag: str
    status: str
    code: str
    arguments: bytes
    text: str


class Continuation(NamedTuple):
    """
    The server waits for more of a command, or sends a challenge.
    """

    text: bytes


class Body(NamedTuple):
    """
    A FETCH response that has a message, or a part of one, as a string.
    """

    row: Row
    section: str
    octets: bytes


class Vanished(NamedTuple):
    """
    Expunged messages (RFC 7162, 3.2.10).
    """

    uids: UidSet
    earlier: bool


class Exists(NamedTuple):
    """
    The number of messages in the selected mailbox.
    """

    messages: int


class Expunged(NamedTuple):
    """
    A message that is gone, by its number in the selected mailbox (RFC 9051, 7.5.1):
    so tells who was not asked to tell UIDs.
    """

    number: int


class Applicable(NamedTuple):
    """
    A FLAGS response (RFC 9051, 7.3.5): the flags that there are in a mailbox.
    """

    flags: Flags


class Capabilities(NamedTuple):
    """
    A CAPABILITY response.
    """

    words: list[bytes]


class Enabled(NamedTuple):
    """
    An ENABLED response (RFC 5161), in upper case.
    """

    names: frozenset[str]


class ListedMailbox(NamedTuple):
    """
    A LIST response.

    @ivar oldName: the name it had before a RENAME (RFC 5465, 5.4), or empty.
    """

    listed: Listed
    oldName: str


class SubscribedName(NamedTuple):
    """
    An LSUB response (RFC 3501, 7.2.3).

    @ivar attributes: as they were sent.
    """

    name: str
    separator: str
    attributes: bytes

    @property
    def merely(self) -> bool:
        """
        Whether it is only a level above others.
        """
        return b"\\noselect" in self.attributes.lower().split()


class StatusResponse(NamedTuple):
    """
    A STATUS response.

    @ivar items: all that was told, by name, in upper case.
    """

    name: str
    status: Status
    items: Mapping[str, bytes]

    def onto(self, before: Status | None) -> Status:
        """
        What is known now, if C{before} was: a response may have but a few
        items.
        """
        if before is None:
            return self.status
        told = zip(STATUS_ITEMS, before, self.status, strict=True)
        return Status(*(new if item in self.items else old for item, old, new in told))


class Metadata(NamedTuple):
    """
    A METADATA response with values (RFC 5464, 4.4).

    @ivar entries: the values, by the names of their entries.
    """

    mailbox: str
    entries: Mapping[str, bytes]


class Identified(NamedTuple):
    """
    An ID response (RFC 2971).

    @ivar fields: what the server says of itself.
    """

    fields: Mapping[str, bytes]


class Found(NamedTuple):
    """
    A SEARCH or ESEARCH response.

    @ivar tag: of the command it answers; empty for SEARCH.
    """

    tag: str
    uids: UidSet


class FoundText(NamedTuple):
    """
    An ESEARCH response, as it was sent: whoever only wants to know whether it is the
    same need not read it.

    @ivar text: a set of UIDs, or empty.
    """

    tag: str
    text: bytes

    @property
    def found(self) -> Found:
        """
        What it means.

        @raise ValueError: it means nothing.
        """
        return Found(self.tag, UidSet.parse(self.text) if self.text else UidSet())


class Namespaces(NamedTuple):
    """
    A NAMESPACE response (RFC 2342): prefix and separator of each namespace.
    """

    personal: tuple[tuple[str, str], ...]
    foreign: tuple[tuple[str, str], ...]


class Quota(NamedTuple):
    """
    A QUOTA response (RFC 9208, 5.2).

    @ivar root: what the server calls the quota.
    @ivar limits: how much is used, and how much may be, by the name of the resource,
        such as C{"STORAGE"} (in units of 1024 octets) or C{"MESSAGE"}.
    """

    root: bytes
    limits: Mapping[str, tuple[int, int]]


class QuotaRoots(NamedTuple):
    """
    A QUOTAROOT response (RFC 9208, 5.3): the quotas that a mailbox counts for.
    """

    mailbox: str
    roots: tuple[bytes, ...]


class Unreadable(NamedTuple):
    """
    A response that is whole on the wire, but makes no sense.

    @ivar kind: its name, in upper case.
    @ivar text: how it begins, fit to be shown.
    """

    kind: str
    text: str


class Other(NamedTuple):
    """
    A response that nobody here reads, as it was sent.

    @ivar parts: lines and literals in turn.
    """

    parts: list[bytes | None]


Response = (
    Condition
    | Continuation
    | Body
    | Vanished
    | Exists
    | Expunged
    | Applicable
    | Capabilities
    | Enabled
    | ListedMailbox
    | StatusResponse
    | SubscribedName
    | Metadata
    | Identified
    | Found
    | FoundText
    | Namespaces
    | Quota
    | QuotaRoots
    | Unreadable
    | Other
)
