"""
The commands that ask about the mailboxes of an account.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

from imapsync.errors import ProtocolViolation
from imapsync.imap.commands.base import Command
from imapsync.imap.features import CONDSTORE, Features
from imapsync.imap.wire.arguments import Word, mailboxWord
from imapsync.imap.wire.responses import (
    STATUS_ITEMS,
    Condition,
    Identified,
    ListedMailbox,
    Metadata,
    Namespaces,
    Response,
    StatusResponse,
    SubscribedName,
)
from imapsync.model import ABSENT, Listed, Status
from imapsync.names import uniform

V = TypeVar("V")

#: So many mailboxes are asked for their STATUS at a time.
BURST = 100

_SUBSCRIBED = frozenset(("\\subscribed",))


def itemsOf(features: Features) -> str:
    """
    What a server can tell of each mailbox with its STATUS.  Where that is no
    mod-sequence, the number of messages that are not seen shows some changes at least.
    """
    without = "UNSEEN" if CONDSTORE in features else "HIGHESTMODSEQ"
    return " ".join(item for item in STATUS_ITEMS if item != without)


def lookOf(features: Features) -> tuple[str, ...]:
    """
    What LIST can return of that, where all mailboxes are looked at; nothing, if the
    server has no such options.
    """
    if not features.listsExtended:
        return ()
    status = f"STATUS ({itemsOf(features)})"
    return ("SUBSCRIBED", status) if features.listsStatus else ("SUBSCRIBED",)


class Collected(Generic[V]):
    """
    What is told of many mailboxes, by their names.

    @cvar most: so many mailboxes are more than any account has.
    @cvar octets: so much of it is more than they need.
    """

    most = 1_000_000
    octets = 256 * 1024 * 1024

    def __init__(self, command: str) -> None:
        self.told: dict[str, V] = {}
        self._command = command
        self._octets = 0

    def put(self, name: str, value: V, octets: int) -> None:
        """
        Keep this, which takes C{octets} more than what was kept before.

        @raise ProtocolViolation: that is too much.
        """
        self.told[name] = value
        self._octets += octets
        if len(self.told) > self.most:
            raise ProtocolViolation(f"{self._command}: more than {self.most} mailboxes")
        if self._octets > self.octets:
            raise ProtocolViolation(f"{self._command}: more than {self.octets} octets")


class ListCommand(Command[list[Listed]]):
    """
    LIST with selection and return options (RFC 5258, RFC 5819).

    What a server tells meanwhile without being asked (RFC 5465) looks the same.
    So only the first line about a mailbox, and the first with its STATUS, is
    taken for an answer; more of them count as well, but are no less news.

    @ivar collected: what was told so far.
    """

    hears = True
    concerns = frozenset(("LIST",))

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
        self.collected: Collected[Listed] = Collected("LIST")

    def claim(self, response: Response) -> bool:
        if isinstance(response, ListedMailbox) and self._matches(response):
            return self._list(response.listed)
        if isinstance(response, StatusResponse):
            listed = self.collected.told.get(response.name)
            if listed is not None:
                status = response.onto(listed.status)
                self.collected.put(listed.name, listed._replace(status=status), 0)
                return listed.status is None and self._withStatus
        return False

    def _list(self, listed: Listed) -> bool:
        before = self.collected.told.get(listed.name)
        attributes = listed.attributes
        if before is None:
            size = len(listed.name) + sum(map(len, attributes))
            self.collected.put(listed.name, listed, size)
            return True
        # Of two lines, each may lack something, but it is the later one that
        # knows whether there is such a mailbox.
        size = sum(map(len, attributes - before.attributes))
        attributes = before.attributes - ABSENT | attributes
        self.collected.put(listed.name, before._replace(attributes=attributes), size)
        return False

    def _matches(self, response: ListedMailbox) -> bool:
        if response.oldName:
            return False
        return self._pattern in (None, response.listed.name)

    def result(self, condition: Condition) -> list[Listed]:
        return list(self.collected.told.values())


class SubscriptionsCommand(Command[list[Listed]]):
    """
    LSUB (RFC 3501, 6.3.9) of all names that are subscribed, whether there are mailboxes
    behind them or not.
    """

    hears = True
    concerns = frozenset(("LSUB",))

    def __init__(self) -> None:
        super().__init__("LSUB", b'""', b'"*"')
        self.collected: Collected[Listed] = Collected("LSUB")

    def claim(self, response: Response) -> bool:
        if not isinstance(response, SubscribedName):
            return False
        if not response.merely:
            listed = Listed(response.name, response.separator, _SUBSCRIBED)
            self.collected.put(response.name, listed, len(response.name))
        return True

    def result(self, condition: Condition) -> list[Listed]:
        return [*self.collected.told.values()]


class NamespaceCommand(Command[Namespaces]):
    """
    NAMESPACE (RFC 2342).
    """

    hears = True
    concerns = frozenset(("NAMESPACE",))

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
        if isinstance(response, StatusResponse) and response.name == self._mailbox:
            # As with L{ListCommand}, more than one is news.
            before, self._status = self._status, response.onto(self._status)
            return before is None
        return False

    def result(self, condition: Condition) -> Status:
        return self._status or Status()


class Ahead(StatusCommand):
    """
    The same, right ahead of the SELECT of that mailbox.
    """

    follows = yields = True
    repeatable = False


class LimitCommand(Command[int | None]):
    """
    STATUS of how many octets may be in a message that is appended to a mailbox
    (RFC 7889); C{None} if there is no such limit.
    """

    hears = True

    def __init__(self, name: str) -> None:
        super().__init__("STATUS", mailboxWord(name), b"(APPENDLIMIT)")
        self._mailbox = uniform(name)
        self._limit: int | None = None

    def claim(self, response: Response) -> bool:
        if isinstance(response, StatusResponse) and response.name == self._mailbox:
            told = response.items.get("APPENDLIMIT", b"")
            if told.isdigit() and len(told) < 20:  # beyond that, it is none
                self._limit = int(told)
            return "APPENDLIMIT" in response.items
        return False

    def result(self, condition: Condition) -> int | None:
        return self._limit


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
        if isinstance(response, StatusResponse) and response.name == self._mailbox:
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

    @ivar collected: what was told so far.
    """

    hears = True

    _ENTRY = "/shared/vendor/cmu/cyrus-imapd/uniqueid"

    def __init__(self, pattern: str) -> None:
        words = (mailboxWord(pattern), self._ENTRY.encode("ascii"))
        super().__init__("GETMETADATA", *words)
        self.collected: Collected[str] = Collected("GETMETADATA")

    def claim(self, response: Response) -> bool:
        if not isinstance(response, Metadata):
            return False
        if value := response.entries.get(self._ENTRY):
            name, identity = response.mailbox, value.decode("ascii", "replace")
            self.collected.put(name, identity, len(name) + len(identity))
        return True

    def result(self, condition: Condition) -> Mapping[str, str]:
        return self.collected.told


class IdCommand(Command[Mapping[str, str]]):
    """
    ID (RFC 2971): who we are, for who the server is.
    """

    hears = True

    def __init__(self, fields: Mapping[str, str]) -> None:
        words = " ".join(f'"{key}" "{value}"' for key, value in fields.items())
        super().__init__("ID", f"({words})".encode("ascii"))
        self._told: Mapping[str, str] = {}

    def claim(self, response: Response) -> bool:
        if isinstance(response, Identified):
            self._told = {
                key.lower(): value.decode("utf-8", "replace")
                for key, value in response.fields.items()
            }
            return True
        return False

    def result(self, condition: Condition) -> Mapping[str, str]:
        return self._told
