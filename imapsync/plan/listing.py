"""
What LIST leaves to be judged: subscriptions that are gone all at once, names that
a server changed, and what is not the user's own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from imapsync.model import Known, Name, Side
from imapsync.names import INBOX
from imapsync.plan.account import Account, nearly
from imapsync.plan.selection import Selection


def respelled(
    accounts: Mapping[Side, Account], known: Mapping[Name, Known]
) -> Iterator[tuple[Known, Side, str]]:
    """
    The mailboxes that were made on one side by another name than it was asked for,
    which is nearly the same; and what the server calls them.

    They are known before they are made, but not what is in them; the others were
    not known, and are on that side only.
    """
    for side, account in accounts.items():
        other = accounts[side.other]
        made = {
            nearly(name): one
            for name, one in known.items()
            if side not in one.marks and other.has(name) and not account.has(name)
        }
        if not made:
            continue
        found: dict[str, list[str]] = {}
        for name, box in account.listed.items():
            if box.selectable and name not in known and not other.has(name):
                found.setdefault(nearly(name), []).append(box.name)
        for name, one in made.items():
            if len(found.get(name, ())) == 1:
                yield one, side, found[name][0]


def leftOut(account: Account, selection: Selection) -> list[str]:
    """
    What is selected, and is not the user's own: the server's names of it.
    """
    likeness = account.naming.likeness
    return [
        box.name
        for box in account.outside
        if selection.covers(likeness(box.name), box.subscribed)
    ]


def isTacit(account: Account, known: Collection[Known]) -> bool:
    """
    Whether a server may only have left out what is subscribed: most of what was
    is not any more, at once; or nothing ever was.
    """
    if not known:
        others = [name for name in account.listed if name != INBOX]
        return bool(others) and not any(map(account.subscribed, account.listed))
    before = [one.name for one in known if one.subscribed and account.has(one.name)]
    lost = [name for name in before if not account.subscribed(name)]
    return 2 * len(lost) > len(before)
