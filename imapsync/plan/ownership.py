"""
Whose the database is: whether what is known of accounts is about those that are
connected.

What is known of one account would, held against another one, look as if somebody
had expunged most of it.  UIDVALIDITYs alone do not tell them from each other: they
are small numbers with some servers, and the time with others.  It only decides;
L{imapsync.accounts.ownership} asks.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from imapsync.model import Known, Listed, Name, Owner, Side, Status
from imapsync.names import INBOX
from imapsync.plan.account import Account
from imapsync.plan.identity import likely

#: So many mailboxes are looked into at the most, for messages that are known.
_MAILBOXES = 4


class Claim(enum.Enum):
    """
    What an account must show to be taken for the one that is known.
    """

    #: Nothing: it is called as it was.
    SAME = enum.auto()
    #: Some known message, and nothing that contradicts.
    UNSURE = enum.auto()
    #: All mailboxes as they were, and most of the messages that are looked for.
    EDITED = enum.auto()
    #: It cannot.
    OTHER = enum.auto()


class Evidence(NamedTuple):
    """
    What became of known messages that were looked for.

    @ivar found: how many of C{asked} there are.
    @ivar differing: how many of those have another content.
    """

    asked: int = 0
    found: int = 0
    differing: int = 0


def claim(side: Side, noted: Mapping[Side, Owner], now: Mapping[Side, Owner]) -> Claim:
    """
    What the account on C{side} must show.

    @param noted: for whom the database was made.
    @param now: who is there.
    """
    if side not in noted:
        return Claim.UNSURE
    before, present = noted[side], now[side]
    there = noted.get(side.other)
    if there is not None and _place(there) == _place(present) != _place(before):
        return Claim.OTHER  # sides in step look much alike
    if before.account != present.account:
        return Claim.EDITED
    lasting, told = set(before.greeting.split()), set(present.greeting.split())
    # That nothing was noted says nothing.
    return Claim.SAME if lasting <= told and (lasting or not told) else Claim.UNSURE


def _place(owner: Owner) -> tuple[str, int]:
    return owner.account, owner.port


def renewed(noted: Owner | None, now: Owner) -> Owner:
    """
    What is to be noted of an account that has shown to be the known one: of a
    greeting, what does not change each time.
    """
    if noted is None or noted.account != now.account:
        return now
    words = now.greeting.split()
    lasting = [word for word in noted.greeting.split() if word in words]
    return now._replace(greeting=" ".join(lasting or words))


def settled(known: Iterable[Known]) -> list[Known]:
    """
    The mailboxes that both sides had when they were looked at last.
    """
    return [one for one in known if len(one.marks) == len(Side)]


def unchanged(side: Side, account: Account, known: Collection[Known]) -> bool:
    """
    Whether all mailboxes are there, INBOX among them unless they are but a part of
    an account, and none was made anew, as far as LIST tells.
    """
    names = {one.name for one in known}
    enough = bool(names) if account.naming.reference else INBOX in names
    return enough and all(_is(one, side, account.listed.get(one.name)) for one in known)


def _is(known: Known, side: Side, box: Listed | None) -> bool:
    return (
        box is not None
        and likely(known, side, box)
        and (box.status or Status()).modseq >= known.marks[side].modseq
    )


def telling(side: Side, account: Account, known: Iterable[Known]) -> Sequence[Known]:
    """
    The mailboxes in which to look for known messages: few, but INBOX.
    """
    listed = account.listed
    there = [
        one
        for one in known
        if one.pairs and one.name in listed and likely(one, side, listed[one.name])
    ]
    there.sort(key=lambda one: (one.name != INBOX, -one.pairs))
    return there[:_MAILBOXES]


def convincing(claim: Claim, evidence: Iterable[Evidence]) -> bool:
    """
    Whether the messages in its mailboxes prove an account to be the known one.
    """
    every = [*evidence]
    asked, found = sum(one.asked for one in every), sum(one.found for one in every)
    if not found or any(one.differing for one in every):
        return False
    return claim is Claim.UNSURE or 2 * found > asked


def suspicious(ours: Account, theirs: Account) -> Name | None:
    """
    A mailbox by which to find out whether two sides are one account.

    @return: C{None}, if they are evidently two.
    """
    first, second = (_numbers(account) for account in (ours, theirs))
    both = first.keys() & second.keys()
    if any(first[name] != second[name] for name in both):
        return None
    alike = (name for name in both if first[name])
    return min(alike, key=lambda name: (name != INBOX, name), default=None)


def _numbers(account: Account) -> Mapping[Name, int]:
    """
    The UIDVALIDITYs.
    """
    return {
        name: (box.status or Status()).uidvalidity
        for name, box in account.listed.items()
        if box.selectable
    }


def equal(ours: Account, theirs: Account) -> list[Name]:
    """
    The mailboxes with messages in them of two sides that tell the same of all
    their mailboxes; none, if they do not.
    """
    first, second = (
        {name: box.status for name, box in account.listed.items() if box.selectable}
        for account in (ours, theirs)
    )
    if first != second:
        return []
    return [name for name, status in first.items() if status and status.messages]
