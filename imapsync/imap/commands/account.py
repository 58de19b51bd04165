"""
The commands that ask about the mailboxes of an account.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from imapsync.imap.commands.base import Command
from imapsync.imap.wire.arguments import Word, mailboxWord
from imapsync.imap.wire.responses import (
    Condition,
    ListedMailbox,
    MailboxStatus,
    Metadata,
    Namespaces,
    Response,
)
from imapsync.model import ABSENT, Listed, Status
from imapsync.names import uniform


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
        self._pattern = None if set(pattern) & set("*%") else uniform(pattern)
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
        return self._pattern in (None, response.listed.name)

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
        self._mailbox = uniform(name)
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
        self._mailbox = uniform(name)
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
