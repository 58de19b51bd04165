"""
What IMAP servers in memory hold, and how they misbehave when told to: as real
servers do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from imapsync.model import Flags
from imapsync.uidset import UidSet

CAPABILITIES = frozenset(
    """
    IMAP4rev1 UIDPLUS ENABLE CONDSTORE QRESYNC LIST-EXTENDED LIST-STATUS LITERAL+
    MULTIAPPEND ESEARCH NAMESPACE MOVE UNSELECT IDLE NOTIFY
    """.split()
)

DATE = "01-Feb-2020 03:04:05 +0000"
NOTHING: Flags = frozenset()
SEEN: Flags = frozenset(["\\Seen"])

_SYSTEM = r"\Answered \Flagged \Deleted \Seen \Draft"


@dataclass
class Message:
    """
    A message in a mailbox.
    """

    body: bytes
    flags: Flags = NOTHING
    date: str = DATE
    modseq: int = 0


@dataclass
class Folder:
    """
    A mailbox on a server.

    @ivar messages: by UID, ascending.
    @ivar expunged: the mod-sequence at which each expunged UID went.
    @ivar permanent: what PERMANENTFLAGS says.
    @ivar readOnly: as by an ACL: what is written is answered OK, to no effect.
    @ivar codes: more response codes of SELECT, such as C{"UIDNOTSTICKY"}.
    @ivar lies: what VANISHED (EARLIER) says in addition.
    """

    uidvalidity: int
    subscribed: bool = True
    uidnext: int = 1
    modseq: int = 1
    messages: dict[int, Message] = field(default_factory=dict)
    expunged: dict[int, int] = field(default_factory=dict)
    permanent: str = _SYSTEM + r" \*"
    readOnly: bool = False
    noModseq: bool = False
    codes: list[str] = field(default_factory=list)
    lies: UidSet = field(default_factory=UidSet)

    def add(self, body: bytes, flags: Flags = NOTHING, date: str = DATE) -> int:
        """
        A message arrives.

        @return: its UID.
        """
        self.modseq += 1
        uid, self.uidnext = self.uidnext, self.uidnext + 1
        self.messages[uid] = Message(body, flags, date, self.modseq)
        return uid

    def flag(self, uid: int, *flags: str) -> None:
        """
        A message gets exactly these flags.
        """
        self.modseq += 1
        message = self.messages[uid]
        message.flags, message.modseq = frozenset(flags), self.modseq

    def expunge(self, *uids: int) -> None:
        """
        Messages go.
        """
        for uid in uids:
            self.modseq += 1
            self.expunged[uid] = self.modseq
            del self.messages[uid]

    def renumber(self) -> None:
        """
        UIDVALIDITY changes: every message gets another UID.
        """
        messages = list(self.messages.values())
        self.uidvalidity += 1000
        self.uidnext += 50
        self.messages, self.expunged = {}, {}
        for message in messages:
            self.add(message.body, message.flags, message.date)

    @property
    def content(self) -> list[tuple[bytes, frozenset[str], str]]:
        """
        All that there is to compare, whatever the order.
        """
        return sorted(
            (m.body, frozenset(flag.lower() for flag in m.flags), m.date)
            for m in self.messages.values()
        )


@dataclass(frozen=True)
class Offer:
    """
    A message that is to be appended; its C{body} is empty as long as leave
    for its literal is asked.
    """

    flags: Flags
    date: str
    size: int
    body: bytes = b""


class Account:
    """
    A server with one account.

    @ivar objection: what an APPEND of a message is answered with, such as
        C{"NO [OVERQUOTA] full"}; empty if it is taken.
    @ivar answers: tagged answers to commands that are refused, by verb.
    @ivar deaf: verbs that are answered OK, to no effect.
    @ivar before: called once, before the next command with that verb.
    @ivar forgets: flags that are dropped with OK.
    @ivar alters: whether something is added to each message that arrives.
    @ivar appendUid: whether APPENDUID is told; a text is told instead.
    @ivar copyUid: whether COPYUID is told; a text is told instead.
    @ivar bodyFirst: whether a message comes before its attributes.
    @ivar chunk: octets that arrive at the client at a time.
    @ivar window: octets that are taken from the client at a time.
    @ivar downLeft: octets that will still arrive there until the connection
        is cut.
    @ivar upLeft: octets that will still be taken until then.
    @ivar overflows: whether the next notification is one too many.
    @ivar heard: the commands that were received, without tags.
    """

    def __init__(self, separator: str = "/") -> None:
        self.separator = separator
        self.folders: dict[str, Folder] = {}
        self.capabilities = set(CAPABILITIES)
        self.greeting = "PREAUTH"
        self.objection: Callable[[Offer], str] = lambda _: ""
        self.answers: dict[str, str] = {}
        self.deaf: set[str] = set()
        self.before: dict[str, Callable[[], object]] = {}
        self.forgets: Flags = NOTHING
        self.alters = False
        self.appendUid: bool | str = True
        self.copyUid: bool | str = True
        self.bodyFirst = False
        self.chunk = self.window = 1 << 16
        self.downLeft: int | None = None
        self.upLeft: int | None = None
        self.overflows = False
        self.heard: list[str] = []
        self._uidvalidities = count(7)
        self.make("INBOX")

    def make(self, name: str, subscribed: bool = True) -> Folder:
        """
        Make a mailbox.
        """
        folder = self.folders[name] = Folder(next(self._uidvalidities), subscribed)
        return folder

    @property
    def inbox(self) -> Folder:
        """
        The mailbox that is always there.
        """
        return self.folders["INBOX"]

    @property
    def content(self) -> Mapping[str, tuple[bool, list[Any]]]:
        """
        All that there is to compare, by the name with C{/} between levels.
        """
        return {
            name.replace(self.separator, "/"): (folder.subscribed, folder.content)
            for name, folder in self.folders.items()
        }

    def count(self, *verbs: str) -> int:
        """
        How many commands with these verbs were heard.
        """
        return sum(line.removeprefix("UID ").startswith(verbs) for line in self.heard)


def mail(subject: object, size: int = 0) -> bytes:
    """
    A message, the same for the same arguments.
    """
    head = f"Message-ID: <{subject}@example>\r\nSubject: {subject}\r\n\r\n".encode()
    return head + b"x" * size + b"\r\n"
