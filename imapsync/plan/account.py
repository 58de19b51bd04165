"""
One account: what its server lists, by the names that both sides share.

It only sorts; nothing here talks to a server.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import NamedTuple

from imapsync.errors import MailboxError
from imapsync.model import EVERYTHING, Act, Allowed, Listed, Name, Status
from imapsync.names import INBOX, Naming, fromUser, shown

#: What is told of a name that is subscribed, without a mailbox.
_MERELY_SUBSCRIBED = frozenset(("\\nonexistent", "\\subscribed"))


class Misfit(NamedTuple):
    """
    A mailbox of one side that has no shared name, or not for itself alone.

    @ivar name: what patterns are matched with.
    """

    name: str
    subscribed: bool
    text: str


class Account(NamedTuple):
    """
    One side: all that its server lists, whatever is in scope.

    @ivar allowed: what may be done to its mailboxes.
    @ivar contested: names that several of its mailboxes lay claim to.
    @ivar apart: names that are left alone, with all below them; and why.
    @ivar shut: names that are left alone, since they are listed and the server
        says otherwise that they do not exist; and how it says so.
    @ivar strays: mailboxes that have no shared name for themselves.
    @ivar outside: mailboxes that are in no namespace of the user's own.
    @ivar unmade: names of mailboxes that are yet to be made, and were only taken
        to be there.
    """

    naming: Naming
    listed: Mapping[Name, Listed]
    allowed: Allowed = EVERYTHING
    contested: frozenset[Name] = frozenset()
    misfits: tuple[Misfit, ...] = ()
    apart: Mapping[Name, str] = MappingProxyType({})
    strays: tuple[Listed, ...] = ()
    unmade: frozenset[Name] = frozenset()
    shut: Mapping[Name, str] = MappingProxyType({})
    outside: tuple[Listed, ...] = ()

    @classmethod
    def of(
        cls,
        naming: Naming,
        listed: Iterable[Listed],
        allowed: Allowed = EVERYTHING,
    ) -> Account:
        """
        Sort a LIST response by shared names.  A mere name without a mailbox
        behind it is in nobody's way.
        """
        everything = [*listed]
        claims, misfits, outside = _claims(naming, everything)
        names: dict[Name, Listed] = {}
        contested = set()
        for name, boxes in claims.items():
            real = [box for box in boxes if box.selectable]
            if len(real) > 1:
                contested.add(name)
                misfits.append(_contest(name, real))
            else:
                names[name] = (real or boxes)[0]
        told = tuple(_against(names, misfit) for misfit in misfits)
        placed = {box.name for box in names.values()}
        strays = (b for b in everything if b.selectable and b.name not in placed)
        return cls(
            naming,
            names,
            allowed,
            frozenset(contested),
            told,
            strays=tuple(strays),
            outside=tuple(outside),
        )

    def may(self, *acts: Act) -> bool:
        """
        Whether all of this may be done there.
        """
        return set(acts).issubset(self.allowed)

    def attributes(self, name: Name) -> frozenset[str]:
        """
        What LIST says of a mailbox; empty if it is not there.
        """
        return self.listed[name].attributes if name in self.listed else frozenset()

    def has(self, name: Name) -> bool:
        """
        Whether there is such a mailbox, not only a name.  INBOX is always
        there (RFC 9051, 5.1), but for one below a C{list-reference}.
        """
        if name == INBOX and not self.naming.reference:
            return True
        return name in self.listed and self.listed[name].selectable

    def subscribed(self, name: Name) -> bool:
        """
        Whether this name is subscribed; servers let it be so without a
        mailbox.
        """
        return name in self.listed and self.listed[name].subscribed

    def withMereNames(self, subscribed: Iterable[Listed]) -> Account:
        """
        This account with the names that are C{subscribed}, and not listed yet.
        """
        mere = {}
        for box in subscribed:
            with suppress(MailboxError):
                name = self.naming.toShared(box.name)
                if name is not None:
                    attributes = box.attributes | _MERELY_SUBSCRIBED
                    mere[name] = box._replace(attributes=attributes)
        return self._replace(listed=mere | dict(self.listed))

    def withShut(self, reasons: Mapping[str, str]) -> Account:
        """
        This account with mailboxes that cannot be opened, by the server's names.
        """
        if not reasons:
            return self
        shut = {n: r for n, b in self.listed.items() if (r := reasons.get(b.name))}
        return self._replace(shut=shut)

    def renamed(self, old: Name, new: Name) -> Account:
        """
        This account as it is to be listed when a mailbox was renamed, and all
        below it: subscriptions do not follow.
        """
        along = {
            n: box
            for n, box in self.listed.items()
            if f"{n}/".startswith(f"{old}/") and "\\nonexistent" not in box.attributes
        }
        listed = {n: box for n, box in self.listed.items() if n not in along}
        listed |= {
            n: Listed(box.name, box.separator, _MERELY_SUBSCRIBED)
            for n, box in along.items()
            if box.subscribed
        }
        for n, box in along.items():
            name = new + n[len(old) :]
            subscribed = name in listed and listed[name].subscribed
            listed[name] = box.withSubscription(subscribed)
        return self._replace(listed=listed)

    def withMailbox(self, name: Name) -> Account:
        """
        This account as it is to be listed when that was made.
        """
        attributes = frozenset(["\\subscribed"] if self.subscribed(name) else [])
        separator = self.naming.separator
        box = Listed(self.spelled(name), separator, attributes, Status())
        listed = {**self.listed, name: box}
        return self._replace(listed=listed, unmade=self.unmade | {name})

    def withSubscription(self, name: Name, subscribed: bool) -> Account:
        """
        This account as it is to be listed when that was changed.
        """
        box = self.listed[name].withSubscription(subscribed)
        return self._replace(listed={**self.listed, name: box})

    def withSubscriptions(self, names: Collection[str]) -> Account:
        """
        This account with these subscribed, and no others, by the server's names.
        """
        listed = {
            name: box.withSubscription(box.name in names)
            for name, box in self.listed.items()
        }
        return self._replace(listed=listed)

    def spelled(self, name: Name) -> str:
        """
        What the server calls it.

        @raise MailboxError: as L{Naming.toServer} does.
        """
        found = self.listed.get(name)
        return found.name if found else self.naming.toServer(name)

    def leftAlone(self, name: Name) -> str:
        """
        Why C{name} is left alone; an empty string if it is not.
        """
        if name in self.shut:
            return (
                "it is listed, but cannot be opened"
                f" ({self.shut[name]}); left alone: have the server mended, or delete"
                " it there"
            )
        if not self.apart:
            return ""
        levels = (*ancestors(name), name)
        return next((self.apart[n] for n in levels if n in self.apart), "")

    def typed(self, text: str) -> Name:
        """
        The mailbox here that is meant by what a user typed.  If there is none
        yet, what begins with the prefix is meant to be written with it.

        @raise NotFound: if none can have this name.
        """
        meant = fromUser(text, self.naming)
        return next(filter(self.has, meant), meant[-1])

    def twin(self, name: Name) -> str:
        """
        What the server calls a mailbox whose name differs from C{name} in
        nothing but case or Unicode normalisation; else an empty string.
        """
        alike = folded(name)
        twins = (n for n in self.listed if n != name and folded(n) == alike)
        return next((self.listed[n].name for n in twins if self.has(n)), "")

    def obstacle(self, name: Name) -> str:
        """
        Why C{name} cannot be made here, or an empty string.
        """
        for parent in ancestors(name):
            above = self.listed.get(parent)
            if above and "\\noinferiors" in above.attributes:
                return f'"{shown(above.name)}" can have no mailboxes below it'
        try:
            self.spelled(name)
        except MailboxError as error:
            return str(error)
        return ""


def ancestors(name: Name) -> Iterator[Name]:
    """
    The levels above C{name}, from the top.
    """
    at = name.find("/")
    while at >= 0:
        yield name[:at]
        at = name.find("/", at + 1)


def folded(name: str) -> str:
    """
    What is left of a name for a server that tells neither upper from lower case
    nor one way to write a character from another.
    """
    return unicodedata.normalize("NFC", name).casefold()


def nearly(name: str) -> str:
    """
    What is left of a name for a server that may change it in blanks as well.
    """
    return "/".join(" ".join(level.split()) for level in folded(name).split("/"))


def _claims(
    naming: Naming, listed: Iterable[Listed]
) -> tuple[dict[Name, list[Listed]], list[Misfit], list[Listed]]:
    """
    What is listed under each shared name, what can be under none, and what is in
    other namespaces.
    """
    claims: dict[Name, list[Listed]] = {}
    misfits, outside = [], []
    # A server may list a mailbox twice: the later line is the truth.
    for box in {box.name: box for box in listed}.values():
        try:
            name = naming.toShared(box.name)
        except MailboxError as error:
            if box.selectable:
                likeness = naming.likeness(box.name)
                misfits.append(Misfit(likeness, box.subscribed, str(error)))
        else:
            if name is not None:
                claims.setdefault(name, []).append(box)
            elif box.selectable and not naming.reference:
                outside.append(box)
    return claims, misfits, outside


def _against(listed: Mapping[Name, Listed], misfit: Misfit) -> Misfit:
    rival = listed.get(misfit.name)
    if rival is None or not rival.selectable:
        return misfit
    text = f'{misfit.text}; it would be one with "{shown(rival.name)}"'
    return misfit._replace(text=text)


def _contest(name: Name, boxes: list[Listed]) -> Misfit:
    rivals = " and ".join(sorted(f'"{shown(box.name)}"' for box in boxes))
    subscribed = any(box.subscribed for box in boxes)
    return Misfit(name, subscribed, f'{rivals} would both be "{shown(name)}"')
