"""
What would otherwise go wrong again and again: L{Suspects}.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from imapsync.mailbox.quotas import Quotas
from imapsync.model import Side
from imapsync.plan.refusals import Why
from imapsync.uidset import UidSet

if TYPE_CHECKING:
    from imapsync.plan.mailboxes import Step

#: How many seconds a message is left out after a connection was lost over it for
#: the first time, the second and so on.  The first time it was among others, any
#: of which may have been the reason: each is tried by itself.
PAUSES = (0.0, 3600.0, 86400.0)

#: Where so many messages of a mailbox are left out, no more is tried in it: not the
#: messages are the reason.
MOST = 100


class Place(NamedTuple):
    """
    Where UIDs belong to.

    @ivar mailbox: the database's number for it.
    """

    mailbox: int
    side: Side
    uidvalidity: int


#: For so many seconds a refusal is remembered.
REMEMBERED = 600.0


class _Refusal(NamedTuple):
    """
    Of one message.

    @ivar code: the server's response code.
    """

    reason: str
    code: str
    until: float


class _Record(NamedTuple):
    """
    Of one message.

    @ivar times: how often a connection was lost over it.
    @ivar until: when it may be tried again.
    """

    times: int
    until: float


class Avoided:
    """
    Steps that a server has refused, such as to make a mailbox.  They are not taken
    again over the next connections, for a while: some servers hang up after so many
    refusals.

    @param now: tells the time, in seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._until: dict[Step, float] = {}

    def add(self, step: Step) -> None:
        """
        One more.
        """
        self._until[step] = self._now() + REMEMBERED

    def __iter__(self) -> Iterator[Step]:
        now = self._now()
        return (step for step, until in self._until.items() if until > now)

    def clear(self) -> None:
        """
        All may be taken again.
        """
        self._until.clear()


class Suspects:
    """
    Messages over which connections were lost, since some server, or something
    between, may not bear one of them; and when to try each of them again.  And
    mailboxes in which messages arrive, but cannot be told from others.

    @ivar now: tells the time, in seconds.
    @ivar quotas: where there is no room.
    @ivar avoided: what is not to be done again at once.
    @ivar breaks: how many connections were lost while messages were under way.
    @ivar lessons: how often something was learned of messages, so that another
        attempt gets further than this one.
    """

    def __init__(self, now: Callable[[], float] = lambda: 0.0) -> None:
        self.now = now
        self._records: dict[Place, dict[int, _Record]] = {}
        self._unproven: dict[Place, UidSet] = {}
        self._asked: dict[Place, set[int]] = {}
        self._refused: dict[Place, dict[int, _Refusal]] = {}
        self.quotas = Quotas()
        self.avoided = Avoided(now)
        self.breaks = self.lessons = 0

    def brokeOver(self, place: Place, uids: Collection[int]) -> None:
        """
        A connection was lost while these messages were under way.
        """
        if not uids:
            return
        self.breaks += 1
        self.lessons += 1
        records = self._records.setdefault(place, {})
        for uid in uids:
            times = records[uid].times if uid in records else 0
            until = self.now() + PAUSES[min(times, len(PAUSES) - 1)]
            records[uid] = _Record(times + 1, until)

    def interrupted(self) -> None:
        """
        A connection was lost while messages were under way, and not over one of them.
        """
        self.breaks += 1

    def askFirst(self, place: Place, uids: Collection[int]) -> None:
        """
        One of these messages was refused before a connection was lost, or may even
        have been taken for commands.
        """
        asked = self._asked.setdefault(place, set())
        self.lessons += not asked.issuperset(uids)
        asked.update(uids)

    def careful(self, place: Place) -> UidSet:
        """
        Those that are to be sent only with the server's leave.
        """
        return UidSet.of(self._asked.get(place, ()))

    def refused(self, place: Place, uid: int, reason: str, code: str = "") -> None:
        """
        A server would not have this one: should the connection be lost for that, it
        need not be asked again over the next one.
        """
        self.lessons += 1
        self._refused.setdefault(place, {})[uid] = _Refusal(
            reason, code, self.now() + REMEMBERED
        )

    def refusals(self, place: Place) -> Mapping[int, Why]:
        """
        Those that were refused a while ago, and what the server said.
        """
        refused = self._refused.pop(place, {})
        now = self.now()
        kept = {uid: one for uid, one in refused.items() if one.until > now}
        if kept:
            self._refused[place] = kept
        return {uid: (one.reason, one.code) for uid, one in kept.items()}

    def passed(self, place: Place, uids: Collection[int]) -> None:
        """
        These got through.
        """
        records = self._records.get(place)
        if records is not None:
            for uid in uids:
                records.pop(uid, None)

    def alone(self, place: Place) -> UidSet:
        """
        Those that are to be tried now, each by itself.
        """
        now = self.now()
        records = self._records.get(place, {})
        return UidSet.of(uid for uid, one in records.items() if one.until <= now)

    def leftOut(self, place: Place) -> UidSet:
        """
        Those that are not to be tried now.
        """
        return UidSet.of(self._records.get(place, ())) - self.alone(place)

    def forgive(self) -> None:
        """
        All may be tried again at once, each by itself.
        """
        self._unproven.clear()
        for records in self._records.values():
            for uid in records:
                records[uid] = _Record(1, self.now())
        self._refused.clear()
        self.quotas.forget()

    def unproven(self, place: Place, uids: Collection[int]) -> None:
        """
        The other side's server took these messages without telling their UIDs there.
        """
        before = self._unproven.get(place, UidSet())
        self._unproven[place] = before | UidSet.of(uids)

    def unrecognised(self, place: Place, new: UidSet) -> UidSet:
        """
        Those of them that were not recognised there since.

        @param new: the messages without a pair.
        """
        return self._unproven.get(place, UidSet()) & new
