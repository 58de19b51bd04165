"""
What IMAP servers in memory hold, and how they misbehave when told to: as real
servers do.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
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

#: In which order a server may tell what is asked of a message: L{Account.order}.
BODY_FIRST = ("BODY", "RFC822.SIZE", "INTERNALDATE", "MODSEQ", "FLAGS", "UID")
FLAGS_LAST = ("UID", "MODSEQ", "INTERNALDATE", "RFC822.SIZE", "BODY", "FLAGS")

DATE = "01-Feb-2020 03:04:05 +0000"
NOTHING: Flags = frozenset()
SEEN: Flags = frozenset(["\\Seen"])

_SYSTEM = r"\Answered \Flagged \Deleted \Seen \Draft"


@dataclass
class Message:
    """
    A message in a mailbox.

    @ivar told: what its size is said to be; the truth if 0.
    """

    body: bytes
    flags: Flags = NOTHING
    date: str = DATE
    modseq: int = 0
    told: int = 0


@dataclass
class Folder:
    """
    A mailbox on a server.

    @ivar use: what it is for, such as C{"\\\\Sent"} (RFC 6154).
    @ivar messages: by UID, ascending.
    @ivar expunged: the mod-sequence at which each expunged UID went.
    @ivar permanent: what PERMANENTFLAGS says.
    @ivar readOnly: as by an ACL: what is written is answered OK, to no effect.
    @ivar codes: more response codes of SELECT, such as C{"UIDNOTSTICKY"}.
    @ivar lies: what VANISHED (EARLIER) says in addition.
    @ivar identity: what is told as MAILBOXID or X-GUID.
    @ivar miscounts: how many messages more than there are it tells of.
    @ivar hides: how many fewer than that EXISTS tells.
    @ivar namesKeywords: whether FLAGS names those that messages have.
    """

    uidvalidity: int
    subscribed: bool = True
    use: str = ""
    uidnext: int = 1
    modseq: int = 1
    messages: dict[int, Message] = field(default_factory=dict)
    expunged: dict[int, int] = field(default_factory=dict)
    permanent: str = _SYSTEM + r" \*"
    readOnly: bool = False
    noModseq: bool = False
    codes: list[str] = field(default_factory=list)
    lies: UidSet = field(default_factory=UidSet)
    identity: str = ""
    miscounts: int = 0
    hides: int = 0
    namesKeywords: bool = True

    @property
    def count(self) -> int:
        """
        How many messages it is said to hold.
        """
        return len(self.messages) + self.miscounts

    def add(self, body: bytes, flags: Flags = NOTHING, date: str = DATE) -> int:
        """
        A message arrives.

        @return: its UID.
        """
        self.modseq += 1
        uid, self.uidnext = self.uidnext, self.uidnext + 1
        self.messages[uid] = Message(body, flags, date, self.modseq)
        return uid

    def keeps(self, flags: Flags) -> Flags:
        """
        Those of C{flags} that are kept here.
        """
        known = self.permanent.lower().split()
        lasting = {f for f in flags if "\\*" in known and not f.startswith("\\")}
        return frozenset(f for f in flags if f in lasting or f.lower() in known)

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

    @param capabilities: what it offers.
    @param first: the UIDVALIDITY of its INBOX.
    @ivar salutation: what it says to people in its greeting.
    @ivar order: in which order the attributes of a message come, unless it is that
        in which they were asked for, behind UID.
    @ivar objection: what an APPEND of a message is answered with, such as
        C{"NO [OVERQUOTA] full"}; empty if it is taken.
    @ivar misreads: what an APPEND is answered with as soon as its words are there,
        such as C{"BAD what"}.  If its literal follows unasked, that is taken for
        commands.
    @ivar largest: so many octets may be in a message.  One that is larger is refused;
        if it came without leave, the server hangs up then, as Cyrus does.
    @ivar impatient: whether it hangs up when it has refused an APPEND.
    @ivar dies: whether the server hangs up, instead, on an APPEND of these.
    @ivar chokes: what becomes of it that a message cannot be read, such as
        C{"NO broken"}, or C{"BYE"} where the server hangs up over it; empty if it
        can be.
    @ivar answers: tagged answers to commands that are refused, by verb.
    @ivar refusal: the tagged answer to a command that is refused, by what was
        heard; empty if it is not.
    @ivar deaf: verbs that are answered OK, to no effect.
    @ivar before: called once, before the next command with that verb.
    @ivar forgets: flags that are dropped with OK.
    @ivar adds: flags that each message gets that arrives.
    @ivar folds: whether keywords get another case than they are given.
    @ivar sticky: flags that stay, though STORE is answered OK.
    @ivar bends: what becomes of the date of a message that arrives.
    @ivar remakes: what becomes of a message that arrives.
    @ivar estimates: what the size of a message is said to be.
    @ivar merges: whether it keeps one message of a Message-ID in each mailbox.
    @ivar alters: whether something is added to each message that arrives.
    @ivar appendUid: whether APPENDUID is told; a text is told instead.
    @ivar copyUid: whether COPYUID is told; a text is told instead.
    @ivar chunk: octets that arrive at the client at a time.
    @ivar window: octets that are taken from the client at a time.
    @ivar downLeft: octets that will still arrive there until the connection
        is cut.
    @ivar upLeft: octets that will still be taken until then.
    @ivar stalls: whether the connection does not end then: nothing is told, or
        taken, any more.
    @ivar overflows: whether the next notification is one too many.
    @ivar fold: what two names have in common that the server takes for one.
    @ivar respell: what a mailbox is called that is made by some name.
    @ivar ghosts: names that are subscribed, without a mailbox.
    @ivar phantoms: names that are listed as mailboxes, but are none any more: as
        levels above others, or among what is subscribed, LIST knows better.
    @ivar shut: mailboxes that are listed, and cannot be opened: the server says
        then that there are none.
    @ivar heard: the commands that were received, without tags.
    @ivar guids: whether it tells X-GUID.  With the capability C{OBJECTID}, it
        tells MAILBOXID.
    @ivar second: the UIDVALIDITY that all mailboxes get that are made, unless it
        is 0.
    @ivar silent: mailboxes of which LIST tells no STATUS.
    @ivar namespaces: what NAMESPACE says, unless it is empty.
    @ivar tacit: whether LIST does not tell what is subscribed.
    @ivar unlisted: mailboxes that LIST leaves out.
    @ivar levels: names without a mailbox, to which nothing can be renamed.
    @ivar most: so many messages a command does, or C{None} if any number (RFC 9738).
    @ivar mostSaved: the same, for COPY and APPEND only.
    @ivar tellsLowest: whether it says which message was the last that was done.
    @ivar partly: whether an APPEND of more is done in part, and not refused; and
        whether one is that comes to a message that there is a grudge against.
    @ivar shows: of so many messages a FETCH tells at the most, those with the highest
        UIDs, and does not say that there are more; C{None} if of all.
    @ivar finds: the same, for SEARCH.
    @ivar speechless: whether it has no SEARCH response where nothing is found.
    @ivar tardy: whether it tells what has changed only when it has said that the
        mailbox is selected.
    @ivar quota: what is used, and what may be, of each resource, such as
        C{"STORAGE"}, in units of 1024 octets; C{None} if there is no quota.  With the
        capability C{QUOTA}, it is told; nothing is refused for it.
    @ivar reticent: whether SELECT tells no UIDNEXT.
    @ivar unnumbered: whether what has changed is told without its mod-sequence.
    @ivar grudges: what is said, after a message was stored, to the APPEND, COPY or MOVE
        of it, such as C{"NO [SERVERBUG] sorry"}; empty if nothing.
    """

    def __init__(
        self,
        separator: str = "/",
        capabilities: Collection[str] = CAPABILITIES,
        order: Sequence[str] = (),
        first: int = 7,
    ) -> None:
        self.separator = separator
        self.order = order
        self.folders: dict[str, Folder] = {}
        self.capabilities = set(capabilities)
        self.greeting = "PREAUTH"
        self.salutation = "ready"
        self.objection: Callable[[Offer], str] = lambda _: ""
        self.misreads: Callable[[Offer], str] = lambda _: ""
        self.largest: int | None = None
        self.impatient = False
        self.dies: Callable[[list[Offer]], bool] = lambda _: False
        self.chokes: Callable[[bytes], str] = lambda _: ""
        self.answers: dict[str, str] = {}
        self.refusal: Callable[[str], str] = lambda _: ""
        self.deaf: set[str] = set()
        self.before: dict[str, Callable[[], object]] = {}
        self.forgets: Flags = NOTHING
        self.adds: Flags = NOTHING
        self.folds = False
        self.sticky: Flags = NOTHING
        self.bends: Callable[[str], str] = str
        self.remakes: Callable[[bytes], bytes] = bytes
        self.estimates: Callable[[bytes], int] = len
        self.merges = False
        self.alters = False
        self.appendUid: bool | str = True
        self.copyUid: bool | str = True
        self.chunk = self.window = 1 << 16
        self.downLeft: int | None = None
        self.upLeft: int | None = None
        self.stalls = False
        self.overflows = False
        self.fold: Callable[[str], str] = str
        self.respell: Callable[[str], str] = str
        self.ghosts: set[str] = set()
        self.phantoms: set[str] = set()
        self.shut: set[str] = set()
        self.heard: list[str] = []
        self.guids = False
        self.second = 0
        self.silent: set[str] = set()
        self.namespaces = ""
        self.tacit = False
        self.unlisted: set[str] = set()
        self.levels: set[str] = set()
        self.most: int | None = None
        self.mostSaved: int | None = None
        self.tellsLowest = True
        self.shows: int | None = None
        self.finds: int | None = None
        self.speechless = False
        self.tardy = False
        self.partly = False
        self.quota: dict[str, tuple[int, int]] | None = None
        self.reticent = self.unnumbered = False
        self.grudges: Callable[[bytes], str] = lambda _: ""
        self._numbers = count(first)
        self.make("INBOX")

    def kept(self, flags: Flags) -> Flags:
        """
        What becomes of the flags that a message is stored with.
        """
        forgotten = {flag.lower() for flag in self.forgets}
        kept = {flag for flag in flags if flag.lower() not in forgotten} | self.adds
        if self.folds:
            kept = {f if f.startswith("\\") else f.swapcase() for f in kept}
        return frozenset(kept)

    def make(self, name: str, subscribed: bool = True) -> Folder:
        """
        Make a mailbox.
        """
        subscribed = subscribed or name in self.ghosts
        self.ghosts.discard(name)
        self.levels.discard(name)
        number = next(self._numbers)
        folder = self.folders[name] = Folder(self.second or number, subscribed)
        folder.identity = f"id{number}"
        return folder

    def find(self, name: str) -> Folder | None:
        """
        The mailbox that the server takes C{name} for.
        """
        folded = self.fold(self.respell(name))
        found = (f for n, f in self.folders.items() if self.fold(n) == folded)
        return self.folders.get(name) or next(found, None)

    def remove(self, folder: Folder) -> None:
        """
        Delete a mailbox; its subscription stays, as on real servers.
        """
        [name] = [name for name, one in self.folders.items() if one is folder]
        del self.folders[name]
        if folder.subscribed:
            self.ghosts.add(name)

    def delete(self, name: str) -> None:
        """
        Delete a mailbox.
        """
        self.remove(self.folders[name])

    def rename(self, old: str, new: str) -> None:
        """
        Rename a mailbox and all below it; subscriptions do not follow, but one to
        a mere name is found there.
        """
        for name, folder in list(self.folders.items()):
            if name == old or name.startswith(old + self.separator):
                self.remove(folder)
                target = new + name[len(old) :]
                self.folders[target] = folder
                folder.subscribed = target in self.ghosts
                self.ghosts.discard(target)

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
        } | {
            name.replace(self.separator, "/"): (True, ["no mailbox"])
            for name in self.ghosts
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
