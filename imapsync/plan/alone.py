"""
Mailboxes that stay on one side, though they are gone from the other: they may not be
deleted there.
"""

from __future__ import annotations

from collections.abc import Mapping

from imapsync.model import Act, Known, Listed, Side, Status
from imapsync.plan.account import Account


def stays(known: Known, accounts: Mapping[Side, Account]) -> bool:
    """
    Whether a mailbox is still alone on its side, and nothing has come to it since.
    Else both sides are to have it.
    """
    side, name = known.alone, known.name
    if side is None or accounts[side.other].has(name) or not accounts[side].has(name):
        return False
    box, mark = accounts[side].listed.get(name), known.marks.get(side)
    status = (box and box.status) or Status()
    if mark is None or status.uidvalidity != mark.uidvalidity:
        return False
    older = 0 < status.uidnext <= mark.uidnext
    return older or status.messages == known.holds(side)


def mayDelete(account: Account, box: Listed) -> bool:
    """
    Whether a mailbox may be deleted with all that is in it.
    """
    empty = box.status is not None and not box.status.messages
    return account.may(Act.DELETE) and (empty or account.may(Act.EXPUNGE))
