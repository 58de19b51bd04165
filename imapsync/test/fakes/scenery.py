"""
Accounts as an administrator may see them, some in order and some not.
"""

from __future__ import annotations

import time
from typing import Any, cast

from twisted.internet.task import Clock

from imapsync.mailbox.course import Flow
from imapsync.model import Refusal, Side
from imapsync.run.lifecycle import Outcome
from imapsync.run.progress import Progress
from imapsync.run.status import Counters, MailboxStatus, SyncState, SyncStatus
from imapsync.test.fakes.fleet import Fleet
from imapsync.uidset import UidSet
from imapsync.watch.watch import Watch

_FIRST = "ada alan barbara claude dana edsger frances grace hedy ida joan ken".split()
_LAST = "abel berg cole diaz eriksen fuchs garcia haas ito jensen".split()
_BOXES = (
    "INBOX Sent Drafts Archive/2025 Archive/2026 Projects Travel Junk Trash".split()
)

_REFUSED = (
    Refusal(
        *(Side.REMOTE, UidSet.of([4711, 4712, 5033])),
        *("the message is larger than the 25.0 MiB that the server takes", "TOOBIG"),
        *(0, 4),
    ),
    Refusal(Side.REMOTE, UidSet(), "the quota is exceeded", "OVERQUOTA", 0, 2),
)


class Scenery:
    """
    As many accounts as are wanted, with a day behind them.

    @ivar fleet: the accounts.
    @ivar watch: what is known of them.
    """

    def __init__(self, count: int, reactor: Any) -> None:
        names = [f"{_FIRST[n % 12]}.{_LAST[n // 12 % 10]}" for n in range(count)]
        numbers = [n // 120 for n in range(count)]
        self.names = [
            f"{name}{number or ''}" for name, number in zip(names, numbers, strict=True)
        ]
        self._reactor = reactor
        self._time = time.time() - 24 * 3600
        self._done = {name: Counters() for name in self.names}
        self.fleet = Fleet(*self.names)
        self.fleet.clock = cast(Clock, self)
        self.watch = Watch(self.fleet, reactor, lambda: self._time)

    def seconds(self) -> float:
        """
        The reactor's time, as it was then.
        """
        return float(self._reactor.seconds()) + self._time - time.time()

    def begin(self) -> None:
        """
        Live through the day.
        """
        self.watch.startService()
        for quarter in range(92):
            self._time = time.time() - (95 - quarter) * 900
            busy = 1 + (quarter * quarter % 11 if 30 < quarter < 80 else quarter % 3)
            for number, name in enumerate(self.names):
                if (number + quarter) % 4 == 0 or number < 9:
                    self.does(name, busy * (1 + number % 5), 40_000 * busy)
        for minute in range(60):
            self._time = time.time() - (59 - minute) * 60
            for name in self.names[:40]:
                self.does(name, minute * minute % 7, 31_000 * (minute * 3 % 7))
        self._time = time.time()
        for number, name in enumerate(self.names):
            self._place(number, name)
        self.watch._now = time.time

    def does(self, name: str, messages: int, octets: int) -> None:
        """
        An account copies something.
        """
        self._done[name] = self._done[name].plus(Counters(messages, octets, messages))
        self.fleet.becomes(
            name,
            state=SyncState.WAITING,
            synced=self.seconds(),
            counters=self._done[name],
            mailboxes=self._boxes(len(name)),
        )

    def _boxes(self, size: int) -> dict[str, MailboxStatus]:
        return {box: MailboxStatus(size * 100 // n) for n, box in enumerate(_BOXES, 2)}

    def _place(self, number: int, name: str) -> None:
        """
        Have it stand as one of many.
        """
        now = self.seconds()
        if number % 97 == 5:
            self.trouble(name)
        elif number % 61 == 3:
            progress = Progress(
                *((("Archive/2025", "copying"), ("INBOX", "comparing")), 3, 6),
                *(Flow(), Flow(1320, 96_400_000, 2480)),
            )
            self.fleet.becomes(name, state=SyncState.FIRST_SYNC, progress=progress)
        elif number % 150 == 8:
            self.fleet.pause(name)
        elif number % 29 == 4:
            boxes = self._boxes(len(name))
            boxes["INBOX"] = MailboxStatus(2011, now - 42, "", _REFUSED[:1])
            self.fleet.becomes(name, mailboxes=boxes)
        elif number % 400 == 77:
            self.fleet.becomes(
                name,
                state=SyncState.STOPPED,
                error="remote: the login was refused: NO [AUTHENTICATIONFAILED]",
                errorAt=now - 3700,
            )
            self.fleet.end(name, Outcome(77, "remote: the login was refused"))
        else:
            self.fleet.quietly(name, synced=now - number % 50)
            self.fleet.becomes(name)

    def trouble(self, name: str) -> SyncStatus:
        """
        Have it be in trouble.
        """
        now = self.seconds()
        boxes = self._boxes(len(name))
        refused = tuple(one._replace(since=int(time.time()) - 7260) for one in _REFUSED)
        refused = tuple(one._replace(due=int(time.time()) + 1500) for one in refused)
        boxes["Archive/2026"] = MailboxStatus(
            *(918, now - 2400, "remote: the quota of this mailbox is exceeded", refused)
        )
        boxes["INBOX"] = MailboxStatus(4120, now - 65, "", refused[:1])
        self.fleet.becomes(
            name,
            state=SyncState.BACKING_OFF,
            synced=now - 2460,
            mailboxes=boxes,
            error="remote: imap.example.net:993 closed the connection: Too many"
            " connections from this address",
            errorAt=now - 2431,
            until=now + 94,
        )
        return self.fleet.status(name)
