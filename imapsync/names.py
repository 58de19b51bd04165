"""
Mailbox names: how servers write them, and the one name both sides share.

On the wire a name is modified UTF-7 (RFC 3501, 5.1.3) and has its server's
hierarchy separator and namespace prefix (RFC 2342).  The shared name has
neither: C{Work/Deep} is what one server calls C{INBOX.Work.Deep}.  Either a
name means the same mailbox on both sides or it is refused: no name is ever
bent to fit, for it could then be that of another mailbox.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Mapping
from itertools import product
from types import MappingProxyType
from typing import NamedTuple

from imapsync.display import shown as shown
from imapsync.errors import MailboxError, NotFound

INBOX = "INBOX"

#: What modified UTF-7 does not let stand for itself.
_SPECIAL = re.compile("&|[\udc00-\udcff]+|[^\x20-\x7e\udc00-\udcff]+")
#: What stands for nothing but itself.
_ITSELF = re.compile(rb"[\x20-\x25\x27-\x7e]*")
_SHIFTED = re.compile(r"&([A-Za-z0-9+,]*)-")

#: Bytes of an ill-formed name that must come back as they were.
_KEPT = {
    byte: chr(0xDC00 + byte)
    for byte in range(256)
    if not 0x20 <= byte <= 0x7E or byte == ord("&")
}

_UNDECODABLE = re.compile("[\ud800-\udfff]")
#: TAB is no danger to logs and terminals, and some servers have it in names.
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f]")


def encode(name: str) -> bytes:
    """
    Write a name in modified UTF-7.

    The result holds bytes other than printable ASCII only where L{decode} met
    them in an ill-formed name.

    @raise ValueError: if there are surrogates in it that L{decode} never makes.
    """
    return _SPECIAL.sub(_shifted, name).encode("latin-1")


def decode(raw: bytes) -> str:
    """
    Read a name in modified UTF-7, or in the UTF-8 that some servers send in
    notifications.

    Anything else, and any spelling but the only right one, is kept: its bytes
    are lone surrogates in the result (as with C{surrogateescape}), so that
    L{encode} gives them back and L{Naming.toShared} refuses the name.
    """
    if _ITSELF.fullmatch(raw):
        return raw.decode("ascii")
    try:
        if not raw.isascii():
            return raw.decode("utf-8")
        name = _SHIFTED.sub(_unshifted, raw.decode("ascii"))
    except ValueError:
        return _kept(raw)
    return name if encode(name) == raw else _kept(raw)


def unescaped(name: str) -> str:
    """
    The name that was meant where a server wrote plain text for modified UTF-7,
    as some do in notifications: there, C{R&D} is no ill-formed name.

    @param name: as L{decode} read it.
    """
    if not _UNDECODABLE.search(name):
        return name
    try:
        return encode(name).decode("utf-8")
    except ValueError:
        return name


def _shifted(match: re.Match[str]) -> str:
    text = match[0]
    if text == "&":
        return "&-"
    if "\udc00" <= text[0] <= "\udcff":
        return "".join(chr(ord(kept) - 0xDC00) for kept in text)
    coded = binascii.b2a_base64(text.encode("utf-16-be"), newline=False)
    return "&" + coded.decode("ascii").rstrip("=").replace("/", ",") + "-"


def _unshifted(match: re.Match[str]) -> str:
    coded = match[1].replace(",", "/")
    padding = "=" * (-len(coded) % 4)
    return binascii.a2b_base64(coded + padding).decode("utf-16-be") if coded else "&"


def _kept(raw: bytes) -> str:
    return raw.decode("latin-1").translate(_KEPT)


class Naming(NamedTuple):
    """
    How one server names the mailboxes of an account.

    @ivar separator: between levels of hierarchy; empty if there are none.
    @ivar prefix: of the personal namespace, with its separator at the end.
    @ivar reference: the C{list-reference}: only what begins with it is ours.
        It is written as the server writes names, so it stands in place of the
        prefix; and even C{INBOX} is then the one below it.
    @ivar foreign: prefixes of other users' and shared namespaces.
    @ivar further: prefixes of more personal namespaces, and their separators.
        The shared names of what is in them begin with the prefix.
    @ivar spellings: the shared names of mailboxes to which the server gave other
        names than it was asked for, by those that it gave.
    @ivar aliases: mailboxes that, with all below them, have another shared name
        than the one they would have; and that name.
    """

    separator: str = "/"
    prefix: str = ""
    reference: str = ""
    foreign: tuple[str, ...] = ()
    aliases: tuple[tuple[str, str], ...] = ()
    further: tuple[tuple[str, str], ...] = ()
    spellings: Mapping[str, str] = MappingProxyType({})

    @classmethod
    def of(
        cls,
        separator: str,
        prefix: str,
        reference: str,
        foreign: Iterable[str] = (),
        further: Iterable[tuple[str, str]] = (),
    ) -> Naming:
        """
        With a C{list-reference} as a user writes it: with C{/} or the server's
        separator, which may lack at the end; with the prefix or without it.
        """
        prefix = _closed(prefix, separator)
        foreign = tuple(_closed(one, separator) for one in foreign)
        further = tuple((_closed(*one), one[1]) for one in further)
        if reference and separator:
            reference = reference.replace("/", separator)
            if not reference.endswith(separator):
                reference += separator
            folded = cls(separator)._folded
            others = (*foreign, *(one for one, _ in further))
            spaces = tuple(folded(space) for space in (prefix, *others) if space)
            if not folded(reference).startswith(spaces):
                reference = prefix + reference
            if folded(reference) == folded(prefix):
                reference = ""  # that is where our mailboxes are anyway
        return cls(separator, prefix, reference, foreign, further=further)

    def toShared(self, name: str) -> str | None:
        """
        The shared name of the server's mailbox C{name}; C{None} if it is not
        of this account.

        @raise MailboxError: if it cannot have one.
        """
        if name in self.spellings:
            return self.spellings[name]
        shared = self._plainly(name)
        if shared in self.spellings.values():
            raise _uncarried(name, f'another mailbox is called "{shown(name)}"')
        return shared

    def _plainly(self, name: str) -> str | None:
        """
        The same, for a mailbox that has the name that it was made by.
        """
        if not self.reference and isInbox(name):
            return INBOX
        beside, separator = self._beside(name)
        rest = name if beside else self._within(name)
        if rest is None:
            return None
        if separator != "/" and "/" in rest:
            raise _uncarried(name, 'a level of it holds a "/"')
        shared = canonical(rest, separator)
        if fault := _fault(shared):
            raise _uncarried(name, fault)
        if beside != self._besides(shared)[0]:
            raise _uncarried(name, "it would be taken for one of another namespace")
        if shared == INBOX and not self.reference:
            raise _uncarried(name, "it would be taken for INBOX")
        if not self.aliases:
            return shared
        alias = self._renamed(shared)
        if self._own(alias) != shared:
            raise _uncarried(name, f'another mailbox is called "{shown(alias)}"')
        return alias

    def toServer(self, name: str) -> str:
        """
        What this server calls the mailbox with the shared name C{name}.

        @raise MailboxError: if it has no way to.
        """
        if name in self.spellings.values():
            return next(ours for ours, n in self.spellings.items() if n == name)
        beside, separator = self._besides(name)
        if not separator and "/" in name:
            raise _uncarried(name, "the server's mailboxes have no levels")
        if separator and separator != "/" and separator in name:
            raise _uncarried(name, f'a level of it holds a "{separator}"')
        ours = INBOX
        if name != INBOX or self.reference:
            own = self._own(name).replace("/", separator)
            ours = own if beside else self.root + own
        if self.toShared(ours) != name:
            raise _uncarried(name, f'the server has another use for "{shown(ours)}"')
        return ours

    def likeness(self, name: str) -> str:
        """
        The nearest to a shared name that a name without one has: fit to be
        matched, not to tell mailboxes apart.
        """
        rest = self._within(name)
        if rest is None or isInbox(rest):
            rest = name
        rest = rest.replace("\udc26", "&")  # see L{_KEPT}
        unclear = "[\x00-\x1f\x7f-\x9f\ud800-\udfff]"
        return re.sub(unclear, "\ufffd", canonical(rest, self.separator))

    @property
    def root(self) -> str:
        """
        What the server's names of all our mailboxes begin with; but INBOX,
        unless there is a reference.
        """
        return self.reference or self.prefix

    def overlaps(self, other: Naming) -> bool:
        """
        Whether mailboxes of one could be those of the other, in one account.
        """
        return any(
            ours.startswith(theirs) or theirs.startswith(ours)
            for ours, theirs in product(self._roots(), other._roots())
        )

    def _renamed(self, name: str) -> str:
        return _replaced(name, self.aliases)

    def _own(self, name: str) -> str:
        return _replaced(name, [(shared, own) for own, shared in self.aliases])

    def _roots(self) -> list[str]:
        """
        What our mailboxes begin with, any of them.
        """
        others = () if self.reference else (prefix for prefix, _ in self.further)
        return [*map(self._folded, (self.root, *others))]

    def _within(self, name: str) -> str | None:
        """
        C{name} without what all our mailboxes begin with; C{None} if it does
        not begin so, or belongs to a namespace below.
        """
        name, root = self._folded(name), self._folded(self.root)
        if not name.startswith(root) or name == root or self._isForeign(name, root):
            return None
        return name[len(root) :]

    def _isForeign(self, name: str, root: str) -> bool:
        """
        Whether C{name} belongs to another's namespace rather than to C{root}.
        """
        return any(
            len(other) > len(root) and (name + self.separator).startswith(other)
            for other in map(self._folded, self.foreign)
        )

    def _beside(self, name: str) -> tuple[str, str]:
        """
        The further personal namespace that the server's C{name} is in, and the
        separator there; no prefix, if it is in none of them.
        """
        if self.further and not self.reference:
            name = self._folded(name)
            for prefix, separator in self.further:
                inside = (name + separator).startswith(prefix)
                if inside and not self._isForeign(name, prefix):
                    return prefix, separator
        return "", self.separator

    def _besides(self, shared: str) -> tuple[str, str]:
        """
        The same, of a shared name.
        """
        if self.further and not self.reference:
            for prefix, separator in self.further:
                if f"{shared}/".startswith(canonical(prefix, separator)):
                    return prefix, separator
        return "", self.separator

    def _folded(self, name: str) -> str:
        """
        C{name} with C{INBOX} in upper case, if that is its first level.
        """
        first = name.split(self.separator, 1)[0] if self.separator else name
        return INBOX + name[len(INBOX) :] if isInbox(first) else name


def isInbox(level: str) -> bool:
    """
    Whether this is C{INBOX}, in any case.
    """
    return level.isascii() and level.upper() == INBOX


def uniform(name: str) -> str:
    """
    C{name} as it is compared with another of the same server: C{INBOX} in upper
    case, which means the same in any (RFC 9051, 5.1).
    """
    return INBOX if isInbox(name) else name


def isWithin(name: str, level: str) -> bool:
    """
    Whether a shared name is C{level}, or below it.
    """
    return name == level or name.startswith(f"{level}/")


def canonical(text: str, separator: str) -> str:
    """
    C{text} with its levels joined by C{/}, and C{INBOX} in upper case.
    """
    if separator:
        text = text.replace(separator, "/")
    first, slash, rest = text.partition("/")
    return (INBOX if isInbox(first) else first) + slash + rest


def fromUser(text: str, naming: Naming) -> tuple[str, ...]:
    """
    The shared names that may be meant by what was typed with C{/} or
    C{naming}'s separator, the likeliest first: it may be one as it stands, or
    the server's own name, with the prefix.

    @raise NotFound: if no mailbox can have this name.
    """
    name = canonical(text, naming.separator)
    if fault := _fault(name):
        raise NotFound(f'no mailbox can be named "{shown(text)}": {fault}')
    served = name.replace("/", naming.separator) if naming.separator else name
    try:
        meant = naming.toShared(served)
    except MailboxError:
        meant = None
    return (name,) if meant in (None, name) else (name, meant)


def _closed(prefix: str, separator: str) -> str:
    """
    The prefix of a namespace with its separator at the end, which some servers
    leave out: C{Shared} is no beginning of C{Shared with Bob}; C{~} is one of
    C{~bob}.
    """
    return prefix + separator if prefix[-1:].isalnum() else prefix


def _replaced(name: str, levels: Iterable[tuple[str, str]]) -> str:
    """
    C{name} below another level, if it is one of C{levels} or below one: the
    lowest of them.
    """
    for old, new in sorted(levels, key=lambda level: -len(level[0])):
        if isWithin(name, old):
            return new + name[len(old) :]
    return name


def _fault(name: str) -> str:
    if _UNDECODABLE.search(name):
        return "it is not well encoded"
    if _CONTROL.search(name):
        return "it holds control characters"
    if not all(name.split("/")):
        return "a level of it is empty"
    return ""


def _uncarried(name: str, why: str) -> MailboxError:
    return MailboxError(f'the name "{shown(name)}" cannot be carried over: {why}')
