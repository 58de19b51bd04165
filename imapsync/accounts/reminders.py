"""
Naming what was refused before and is not tried again now, since it has to wait; and
noting how a run has ended, for whoever asks without one.
"""

from __future__ import annotations

from collections.abc import Collection

from imapsync.mailbox.report import Report
from imapsync.model import Name, Side, Trouble
from imapsync.plan.refusals import told
from imapsync.state.interface import State
from imapsync.uidset import UidSet

#: That both sides are equal is noted once more after so many seconds in which nothing
#: has changed: whoever follows servers without news need not write all the time.
STALE = 300


def remind(state: State, report: Report, scope: Collection[Name]) -> None:
    """
    Name what waits in the mailboxes of C{scope}, unless it was named already.
    """
    waiting = [one for one in state.mailboxes() if one.retries and one.name in scope]
    if not waiting:
        return
    named: dict[tuple[Name, Side | None], UidSet] = {}
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


def note(state: State, report: Report, names: Collection[Name] | None) -> None:
    """
    Note what is wrong with mailboxes as a whole, or that both sides are equal.

    @param names: the mailboxes that were worked on; C{None}: all.
    """
    troubles = [one for one in report.known if not one.uids]
    with state.transaction():
        state.noteTroubles(troubles, names)
        fresh = not report.changes and state.sinceSynced() < STALE
        if names is None and not (report.known or fresh):
            state.noteSynced()
