"""
Naming what was refused before and is not tried again now, since it has to wait.
"""

from __future__ import annotations

from collections.abc import Collection

from imapsync.mailbox.report import Report
from imapsync.model import Name, Side, Trouble
from imapsync.plan.refusals import told
from imapsync.state.interface import State
from imapsync.uidset import UidSet


def remind(state: State, report: Report, scope: Collection[Name]) -> None:
    """
    Name what waits in the mailboxes of C{scope}, unless it was named already.
    """
    waiting = [one for one in state.mailboxes() if one.retries and one.name in scope]
    if not waiting:
        return
    named: dict[tuple[Name, Side], UidSet] = {}
    for trouble in report.known:
        if trouble.side and trouble.uids:
            place = trouble.mailbox, trouble.side
            named[place] = named.get(place, UidSet()) | trouble.uids
    for known in waiting:
        for one in state.refusals(known.id):
            uids = one.uids - named.get((known.name, one.side), UidSet())
            if uids:
                text = told(one)
                report.trouble(Trouble(known.name, text, one.side, uids, one.code))
