"""
Knowing before the first removal whether there would be too many: L{check}.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from imapsync.accounts.mailboxes import Accounts, listedOn
from imapsync.errors import MailboxError
from imapsync.mailbox.context import Context
from imapsync.model import Known, Name, Side, Status
from imapsync.plan.brake import Brake
from imapsync.plan.mailboxes import atStake, dirty, removable
from imapsync.plan.outlook import Delete


async def check(
    brake: Brake,
    doomed: Mapping[Delete, Known],
    suspected: Iterable[Known],
    accounts: Accounts,
    contextOf: Callable[[Name], Context],
) -> None:
    """
    Have the brake know.  STATUS alone mostly tells; else each mailbox is looked into.

    @param doomed: the mailboxes that are to be deleted.
    @param suspected: those in which something may have happened.
    @raise MassDeletion: there would be.
    """
    suspects = []
    bound: Counter[Side] = Counter()
    for one, known in doomed.items():
        box = listedOn(one.name, accounts).get(one.side)
        bound[one.side] += atStake(known, box)
    count = bound.copy()
    for known in suspected:
        listed = listedOn(known.name, accounts)
        if not dirty(known, listed):
            continue
        missing = {
            side.other: removable(known, side, box.status or Status())
            for side, box in listed.items()
        }
        if any(missing.values()):
            bound.update(missing)
            suspects.append(known.name)
    if not brake.trips(bound):
        return
    # Imported here because most runs remove little.
    from imapsync.mailbox.sync import Pass

    for name in suspects:
        try:
            count.update(await Pass(name, contextOf(name), again=False).survey())
        except MailboxError:
            continue  # its pass will tell
    brake.check(count)
