"""
The commands that ask about mailboxes and messages, or copy them: see
L{imapsync.imap.commands.base}.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from imapsync.errors import ProtocolViolation
from imapsync.imap.commands.base import Command
from imapsync.imap.wire.arguments import Word, mailboxWord
from imapsync.imap.wire.responses import (
    Condition,
    Found,
    ListedMailbox,
    MailboxStatus,
    Metadata,
    Namespaces,
    Response,
    bounded,
    unrolled,
)
from imapsync.model import ABSENT, Listed, Status
from imapsync.names import isInbox
from imapsync.uidset import MAXIMUM, UidSet


class ListCommand(Command[list[Listed]]):
    """
    LIST with selection and return options (RFC 5258, RFC 5819).

    What a server tells meanwhile without being asked (RFC 5465) looks the same.
    So only the first line about a mailbox, and the first with its STATUS, is
    taken for an answer; more of them count as well, but are no less news.
    """

    hears = True

    def __init__(
        self, pattern: str, selection: Sequence[str], returns: Sequence[str]
    ) -> None:
        words: list[Word] = []
        if selection:
            words.append(b"(%s)" % " ".join(selection).encode("ascii"))
        words += [b'""', mailboxWord(pattern)]
        if returns:
            words += [b"RETURN", b"(%s)" % " ".join(returns).encode("ascii")]
        super().__init__("LIST", *words)
        self._pattern = None if set(pattern) & set("*%") else pattern
        self._withStatus = any(option.startswith("STATUS") for option in returns)
        self._listed: dict[str, Listed] = {}

    def claim(self, response: Response) -> bool:
        if isinstance(response, ListedMailbox) and self._matches(response):
            listed = response.listed
            before = self._listed.get(listed.name)
            if before is not None:
                # Of two lines, each may lack something, but it is the later
                # one that knows whether there is such a mailbox.
                attributes = before.attributes - ABSENT | listed.attributes
                listed = before._replace(attributes=attributes)
            self._listed[listed.name] = listed
            return before is None
        if isinstance(response, MailboxStatus) and response.name in self._listed:
            listed = self._listed[response.name]
            status = response.onto(listed.status)
            self._listed[response.name] = listed._replace(status=status)
            return listed.status is None and self._withStatus
        return False

    def _matches(self, response: ListedMailbox) -> bool:
        if response.oldName:
            return False
        if self._pattern is None:
            return True
        name = response.listed.name
        return name == self._pattern or (isInbox(name) and isInbox(self._pattern))

    def result(self, condition: Condition) -> list[Listed]:
        return list(self._listed.values())


class NamespaceCommand(Command[Namespaces]):
    """
    NAMESPACE (RFC 2342).
    """

    hears = True

    def __init__(self) -> None:
        super().__init__("NAMESPACE")
        self._found = Namespaces((), ())

    def claim(self, response: Response) -> bool:
        if isinstance(response, Namespaces):
            self._found = response
            return True
        return False

    def result(self, condition: Condition) -> Namespaces:
        return self._found


class StatusCommand(Command[Status]):
    """
    STATUS of one mailbox.
    """

    hears = True

    def __init__(self, name: str, items: str) -> None:
        words = (mailboxWord(name), f"({items})".encode("ascii"))
        super().__init__("STATUS", *words)
        self._mailbox = name
        self._status: Status | None = None

    def claim(self, response: Response) -> bool:
        if isinstance(response, MailboxStatus) and response.name == self._mailbox:
            # As with L{ListCommand}, more than one is news.
            before, self._status = self._status, response.onto(self._status)
            return before is None
        return False

    def result(self, condition: Condition) -> Status:
        return self._status or Status()


class GuidCommand(Command[tuple[Status, str]]):
    """
    STATUS of Dovecot's own X-GUID, which a mailbox keeps for life.
    """

    hears = True

    def __init__(self, name: str) -> None:
        super().__init__("STATUS", mailboxWord(name), b"(UIDVALIDITY X-GUID)")
        self._mailbox = name
        self._found = (Status(), "")

    def claim(self, response: Response) -> bool:
        if isinstance(response, MailboxStatus) and response.name == self._mailbox:
            guid = response.items.get("X-GUID", b"").decode("ascii", "replace")
            self._found = (response.status, guid)
            return True
        return False

    def result(self, condition: Condition) -> tuple[Status, str]:
        return self._found


class IdentitiesCommand(Command[Mapping[str, str]]):
    """
    GETMETADATA (RFC 5464) of the name by which Cyrus identifies mailboxes, which
    is their MAILBOXID, for all that match a pattern at once.
    """

    hears = True

    _ENTRY = "/shared/vendor/cmu/cyrus-imapd/uniqueid"

    def __init__(self, pattern: str) -> None:
        words = (mailboxWord(pattern), self._ENTRY.encode("ascii"))
        super().__init__("GETMETADATA", *words)
        self._found: dict[str, str] = {}

    def claim(self, response: Response) -> bool:
        if not isinstance(response, Metadata):
            return False
        if value := response.entries.get(self._ENTRY):
            self._found[response.mailbox] = value.decode("ascii", "replace")
        return True

    def result(self, condition: Condition) -> Mapping[str, str]:
        return self._found


class Search(Command[UidSet]):
    """
    UID SEARCH for those of some UIDs that exist.
    """

    hears = True

    def __init__(self, uids: str, extended: bool) -> None:
        words: list[Word] = [b"UID", uids.encode("ascii")]
        if extended:
            words.insert(0, b"RETURN (ALL)")
        super().__init__("UID SEARCH", *words)
        # A SEARCH response does not tell which command it answers.
        self.alone = not extended
        self._found: UidSet | None = None

    def claim(self, response: Response) -> bool:
        if isinstance(response, Found) and response.tag in ("", self.tag):
            self._found = (self._found or UidSet()) | response.uids
            return True
        return False

    def result(self, condition: Condition) -> UidSet:
        if self._found is None:
            # It must not be read as: there is none.
            raise ValueError("OK, but nothing about what was found")
        return self._found


class Transferred(NamedTuple):
    """
    What COPYUID tells (RFC 4315, 3).

    @ivar uids: the new UID of each message, by its old one; empty if the
        server did not tell.
    """

    uidvalidity: int
    uids: Mapping[int, int]


class Transfer(Command[Transferred]):
    """
    UID COPY or UID MOVE (RFC 6851).
    """

    hears = True

    def __init__(self, verb: str, uids: str, mailbox: str) -> None:
        super().__init__(f"UID {verb}", uids.encode("ascii"), mailboxWord(mailbox))
        self._asked = len(UidSet.parse(uids))
        self._told = Transferred(0, {})

    def claim(self, response: Response) -> bool:
        # MOVE has it in an untagged response, ahead of the expunges.
        return isinstance(response, Condition) and self._tell(response)

    def result(self, condition: Condition) -> Transferred:
        self._tell(condition)
        return self._told

    def _tell(self, condition: Condition) -> bool:
        if condition.code != "COPYUID":
            return False
        try:
            uidvalidity, *sets = condition.arguments.split(b" ")
            old, new = (unrolled(uids, self._asked) for uids in sets)
            pairs = dict(zip(old, new, strict=True))
        except ValueError as error:
            raise ProtocolViolation(f"COPYUID cannot be read: {error}") from error
        self._told = Transferred(bounded(uidvalidity, MAXIMUM), pairs)
        return True
