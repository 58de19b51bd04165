"""
From lines and literals to the values of L{imapsync.imap.wire.responses}.

What servers send by the thousand has a regular expression in front; whatever
that does not match takes the complete way through L{imapsync.imap.wire.tokens}.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import chain

from imapsync import names
from imapsync.errors import ProtocolViolation
from imapsync.imap.wire.flags import parseFlags, withoutOdd
from imapsync.imap.wire.identity import identityOf, labelsOf
from imapsync.imap.wire.responses import (
    STATUS_ITEMS,
    Applicable,
    Body,
    Capabilities,
    Enabled,
    Exists,
    Expunged,
    Found,
    FoundText,
    Identified,
    ListedMailbox,
    Metadata,
    Namespaces,
    Other,
    Quota,
    QuotaRoots,
    Response,
    Row,
    StatusResponse,
    SubscribedName,
    Vanished,
)
from imapsync.imap.wire.text import excerpt
from imapsync.imap.wire.tokens import Nil, Node, Part, Streamed, String, nested, tokens
from imapsync.model import Listed, Status
from imapsync.uidset import MAXIMUM, UidSet

_NUMBER_MAXIMUM = 2**63 - 1

_KIND = re.compile(rb"\* (?:\d+ )?([A-Za-z][A-Za-z0-9-]{0,40})(?: |\Z)")
#: C{date-time} (RFC 9051, 9).
DATE = rb"[ \d]?\d-[A-Za-z]{3}-\d{4} \d\d:\d\d:\d\d [+-]\d{4}"
_DATE = re.compile(DATE)

# What servers tell of many mailboxes, as most of them spell it.  All else, with numbers
# near their bounds, is left to the complete way; so is a name that is spelled NIL.
_PLAIN_NAME = (
    rb"(?:\"([^\"\\\r\n\0]{0,400})\""
    rb"|(?!(?i:NIL)\b)([\w!#$&'+,./:;<=>?@^`|~-]{1,400}))"
)
_LISTED = re.compile(
    rb"\* LIST \(((?:\\[A-Za-z]{1,40} ?){0,20})\) \"([./])\" " + _PLAIN_NAME
)
_APPLICABLE = re.compile(rb"\* FLAGS \(([^(){\"\r\n\0]{0,8000})\) ?", re.IGNORECASE)
_FOUND = re.compile(rb"\* ESEARCH \(TAG \"([0-9A-F]{1,12})\"\) UID(?: ALL ([\d:,]+))?")
_TOLD = re.compile(
    rb"\* STATUS " + _PLAIN_NAME + rb" \(MESSAGES (\d{1,9}) UIDNEXT (\d{1,9})"
    rb" UIDVALIDITY ([1-3]\d{9}|\d{1,9})(?: HIGHESTMODSEQ (\d{1,18}))?\)"
)


def bounded(text: bytes, maximum: int = _NUMBER_MAXIMUM) -> int:
    """
    A number that a server sent.

    @raise ProtocolViolation: if it is none or greater than C{maximum}.
    """
    if not text.isdigit() or len(text) > 19 or int(text) > maximum:
        raise ProtocolViolation(f"no number within bounds: {excerpt(text)}")
    return int(text)


def parseRow(parts: list[Part]) -> Row:
    """
    The attributes of a FETCH response that come before the literal in which
    C{parts} ends.
    """
    return _fetched(parts, b")")[0]


def _fetched(parts: list[Part], *more: bytes) -> tuple[Row, dict[str, Node]]:
    """
    A FETCH response, and all of its attributes.

    @param more: what is added to close it.
    """
    try:
        values = _attributes(chain(tokens(parts), more))
        return _row(values), values
    except ProtocolViolation:
        mended = withoutOdd(parts)
        if mended == parts:
            raise
    values = _attributes(chain(tokens(mended), more))
    return _row(values), values


def _attributes(stream: Iterable[bytes | Streamed]) -> dict[str, Node]:
    nodes = nested(stream)
    attributes = _list(nodes[3] if len(nodes) > 3 else b"")  # behind * n FETCH
    return {
        _text(name).upper(): value
        for name, value in zip(attributes[::2], attributes[1::2], strict=False)
        if not isinstance(value, Nil)
    }


def _row(values: dict[str, Node]) -> Row:
    flags = values.get("FLAGS")
    modseq = values.get("MODSEQ")
    size = values.get("RFC822.SIZE")
    uid = values.get("UID")
    date = values.get("INTERNALDATE")
    return Row(
        0 if uid is None else bounded(_octets(uid), MAXIMUM),
        None if flags is None else parseFlags(_words(flags)),
        bounded(_octets(_list(modseq)[0])) if modseq else 0,
        None if size is None else bounded(_octets(size)),
        _text(date) if isinstance(date, bytes) and _DATE.fullmatch(date) else "",
        "",
        identityOf(values),
        labelsOf(values),
    )


def parseResponse(parts: list[Part]) -> Response | Row:
    """
    A complete response that is neither a condition nor a continuation.

    @raise ProtocolViolation: if it cannot be read.
    """
    first = parts[0] or b""
    if len(parts) == 1 and (common := _common(first)):
        return common
    return _complete(parts)


def kindOf(line: bytes) -> str:
    """
    The name of the response that begins with C{line}, in upper case; empty if it is
    none.
    """
    match = _KIND.match(line)
    return match[1].decode("ascii").upper() if match else ""


def _common(line: bytes) -> Response | None:
    """
    The same as L{_complete}, five times as fast, for what comes by the thousand.
    """
    if match := _TOLD.fullmatch(line):
        quoted, atom, *numbers = match.groups()
        name = _decoded(atom if quoted is None else quoted)
        items = dict(zip(STATUS_ITEMS, filter(None, numbers), strict=False))
        return StatusResponse(name, Status(*map(int, items.values())), items)
    if match := _LISTED.fullmatch(line):
        attributes, separator, quoted, atom = match.groups()
        name = _decoded(atom if quoted is None else quoted)
        attributed = _attributesOf(attributes)
        return ListedMailbox(Listed(name, separator.decode("ascii"), attributed), "")
    if match := _APPLICABLE.fullmatch(line):
        return Applicable(parseFlags(match[1]))
    if match := _FOUND.fullmatch(line):
        return FoundText(match[1].decode("ascii"), match[2] or b"")
    return None


@lru_cache(maxsize=256)
def _attributesOf(words: bytes) -> frozenset[str]:
    return frozenset(words.decode("ascii").lower().split())


def _complete(parts: list[Part]) -> Response | Row:
    """
    Any response, in any spelling.
    """
    first = parts[0] or b""
    words = first[:60].split(None, 3)
    if len(words) < 2 or words[0] != b"*":
        raise ProtocolViolation(f"not a response: {excerpt(first)}")
    try:
        if words[1].isdigit():
            number = bounded(words[1], MAXIMUM)
            return _numbered(parts, number, words[2].upper() if words[2:] else b"")
        reader = _READERS.get(words[1].upper())
        return Other(parts) if reader is None else reader(nested(tokens(parts))[2:])
    except (IndexError, ValueError) as error:
        raise ProtocolViolation(f"cannot be read: {excerpt(first)}") from error


def _numbered(parts: list[Part], number: int, kind: bytes) -> Response | Row:
    if kind == b"FETCH":
        row, values = _fetched(parts)
        bodies = (
            Body(row, name, value)
            for name, value in values.items()
            if name.startswith(("BODY[", "BINARY[")) and isinstance(value, String)
        )
        return next(bodies, row)
    if kind == b"EXPUNGE":
        return Expunged(number)
    return Exists(number) if kind == b"EXISTS" else Other(parts)


def _octets(node: Node) -> bytes:
    if not isinstance(node, bytes):
        raise ProtocolViolation("a list or a stream where a word belongs")
    return node


def _text(node: Node) -> str:
    return _octets(node).decode("ascii", "replace")


def _list(node: Node) -> list[Node]:
    if not isinstance(node, list):
        raise ProtocolViolation("a word where a list belongs")
    return node


def _words(node: Node) -> bytes:
    return b" ".join(_octets(word) for word in _list(node))


def _name(node: Node) -> str:
    return _decoded(_octets(node))


def _decoded(name: bytes) -> str:
    return names.uniform(names.decode(name))


def _orEmpty(node: Node) -> str:
    return "" if isinstance(node, Nil) else names.decode(_octets(node))


def _readCapabilities(nodes: list[Node]) -> Response:
    return Capabilities([_octets(node) for node in nodes])


def _readEnabled(nodes: list[Node]) -> Response:
    return Enabled(frozenset(_text(node).upper() for node in nodes))


def _readVanished(nodes: list[Node]) -> Response:
    earlier = bool(nodes) and isinstance(nodes[0], list)
    told = nodes[earlier:]  # some servers say that nothing did
    return Vanished(UidSet.parse(_octets(told[0])) if told else UidSet(), earlier)


def _readList(nodes: list[Node]) -> Response:
    attributes = frozenset(_text(node).lower() for node in _list(nodes[0]))
    listed = Listed(_name(nodes[2]), _orEmpty(nodes[1]), attributes)
    return ListedMailbox(listed, _oldName(nodes[3] if len(nodes) > 3 else []))


def _readSubscribed(nodes: list[Node]) -> Response:
    return SubscribedName(_name(nodes[2]), _orEmpty(nodes[1]), _words(nodes[0]))


def _oldName(extended: Node) -> str:
    """
    Of the extended data of LIST (RFC 5258, 9), whatever else is in there.
    """
    for tag, value in _pairs(extended):
        if isinstance(tag, bytes) and tag.upper() == b"OLDNAME":
            return _name(value[0] if isinstance(value, list) and value else value)
    return ""


def _readStatus(nodes: list[Node]) -> Response:
    items = {}
    for key, value in _pairs(_list(nodes[-1])):
        word = value[0] if isinstance(value, list) and len(value) == 1 else value
        if isinstance(word, bytes) and not isinstance(word, Nil):
            items[_text(key).upper()] = bytes(word)
    most = MAXIMUM, MAXIMUM + 1, MAXIMUM, _NUMBER_MAXIMUM, MAXIMUM
    told = (items.get(item, b"0") for item in STATUS_ITEMS)
    status = Status(*map(bounded, told, most))
    return StatusResponse(_decoded(b" ".join(map(_octets, nodes[:-1]))), status, items)


def _pairs(node: Node) -> list[tuple[Node, Node]]:
    items = node if isinstance(node, list) else []
    return [*zip(items[::2], items[1::2], strict=False)]


def _readMetadata(nodes: list[Node]) -> Response:
    return Metadata(_name(nodes[0]), _told(nodes[1]))


def _told(node: Node) -> dict[str, bytes]:
    """
    Values by their keys, those that are not NIL.
    """
    return {
        _text(key): value
        for key, value in _pairs(node)
        if isinstance(value, bytes) and not isinstance(value, Nil)
    }


def _readSearch(nodes: list[Node]) -> Response:
    numbers = [_octets(node) for node in nodes if not isinstance(node, list)]
    return Found("", UidSet.of(bounded(number, MAXIMUM) for number in numbers))


def _readExtendedSearch(nodes: list[Node]) -> Response:
    tag, uids = "", UidSet()
    if nodes and isinstance(nodes[0], list):
        tag, nodes = _text(nodes[0][1]), nodes[1:]
    words = [n for n in nodes if not (isinstance(n, bytes) and n.upper() == b"UID")]
    for key, value in _pairs(words):
        if _text(key).upper() == "ALL":
            uids = UidSet.parse(_octets(value))
    return Found(tag, uids)


def _readNamespaces(nodes: list[Node]) -> Response:
    personal, *foreign = (_namespaces(node) for node in nodes)
    return Namespaces(personal, sum(foreign, ()))


def _namespaces(node: Node) -> tuple[tuple[str, str], ...]:
    if isinstance(node, Nil):
        return ()
    entries = map(_list, _list(node))
    return tuple((_orEmpty(entry[0]), _orEmpty(entry[1])) for entry in entries)


def _readQuota(nodes: list[Node]) -> Response:
    words = [_octets(node) for node in _list(nodes[1])]
    told = zip(words[::3], words[1::3], words[2::3], strict=False)
    limits = {_text(what).upper(): (bounded(a), bounded(b)) for what, a, b in told}
    return Quota(_octets(nodes[0]), limits)


def _readQuotaRoots(nodes: list[Node]) -> Response:
    return QuotaRoots(_name(nodes[0]), tuple(map(_octets, nodes[1:])))


_READERS = {
    b"CAPABILITY": _readCapabilities,
    b"ENABLED": _readEnabled,
    b"VANISHED": _readVanished,
    b"LIST": _readList,
    b"LSUB": _readSubscribed,
    b"STATUS": _readStatus,
    b"METADATA": _readMetadata,
    b"ID": lambda nodes: Identified(_told(nodes[0])),
    b"SEARCH": _readSearch,
    b"ESEARCH": _readExtendedSearch,
    b"NAMESPACE": _readNamespaces,
    b"QUOTA": _readQuota,
    b"QUOTAROOT": _readQuotaRoots,
}
