"""
Whether the program is well: C{/healthz} and C{/readyz}, for those who start it, and
begin it anew when it is not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from imapsync.run.status import SyncState
from imapsync.watch.facts import Facts, Health

#: In these states it is not known yet whether a server can be reached.
_EARLY = (
    *(SyncState.NEW, SyncState.QUEUED),
    *(SyncState.CROWDED, SyncState.CONNECTING),
)


class Answer(NamedTuple):
    """
    What is said.

    @ivar well: whether all is as it should be.
    @ivar text: one line.
    """

    well: bool
    text: str


def alive() -> Answer:
    """
    Whether the program works: who can ask that, and is answered, knows it.
    """
    return Answer(True, "ok")


def ready(accounts: Iterable[Facts]) -> Answer:
    """
    Whether it is clear for each account if its servers can be reached: to try again,
    if they cannot, is a part of our work.  That is what systemd is told, too; but it
    can become otherwise, as when accounts come.
    """
    healths: Counter[Health] = Counter()
    early = 0
    for one in accounts:
        healths[one.health] += 1
        early += _isEarly(one)
    counts = [f"{healths[health]} {health}" for health in Health if healths[health]]
    what = f"{healths.total()} accounts"
    if early:
        return Answer(False, f"{what}, {early} not reached yet: {', '.join(counts)}")
    return Answer(True, f"{what}: {', '.join(counts)}" if counts else what)


def _isEarly(facts: Facts) -> bool:
    """
    Whether nothing is known of its servers yet.
    """
    known = facts.synced is not None or facts.failing is not None
    return facts.state in _EARLY and not known and facts.health is not Health.PAUSED
