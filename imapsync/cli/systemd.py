"""
Telling systemd how we are: C{Type=notify} and C{WatchdogSec} of a unit
(sd_notify(3)).  Where there is no systemd, nobody is told.
"""

from __future__ import annotations

import os
import socket
import time
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import islice

from twisted.application.service import Service
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import LoopingCall

from imapsync.config.settings import Config
from imapsync.display import line
from imapsync.run.lifecycle import Outcome
from imapsync.run.status import Change, SyncState

#: States in which it is not known yet whether a server can be reached.
_EARLY = (SyncState.NEW, SyncState.QUEUED, SyncState.CONNECTING)


#: So many seconds after the start, those that have not had their turn yet are not
#: waited for: systemd waits for 90, unless a unit says otherwise.
LATEST = 60.0

#: How things stand is told after so many seconds again, since systemd takes only so
#: much at once; what it did not take, likewise.
PAUSE = 0.2


def notifier(environ: Mapping[str, str]) -> Callable[[str], bool] | None:
    """
    What sends a state to systemd, if that wants to know; and tells whether it need
    not be sent again.
    """
    address = environ.get("NOTIFY_SOCKET", "")
    if address[:1] not in ("/", "@"):
        return None
    if address.startswith("@"):
        address = "\0" + address[1:]

    def notify(state: str) -> bool:
        kind = socket.SOCK_DGRAM | socket.SOCK_NONBLOCK
        with socket.socket(socket.AF_UNIX, kind) as datagrams:
            try:
                datagrams.sendto(state.encode(), address)
            except BlockingIOError:
                return False  # it has not read what came before
            except OSError:
                return True  # nobody listens any more
        return True

    return notify


def watchdog(environ: Mapping[str, str]) -> float | None:
    """
    How many seconds we may be silent, if systemd watches over us.
    """
    owner, period = environ.get("WATCHDOG_PID", ""), environ.get("WATCHDOG_USEC", "")
    ours = owner in ("", str(os.getpid()))
    return int(period) / 1e6 if ours and period.isdecimal() and int(period) else None


class Supervised(Service):
    """
    Tells systemd of the accounts of a program: L{imapsync.watch.accounts.Watcher}.
    What a change of one costs does not grow with the number of the others.

    @param notify: see L{notifier}.
    @param period: see L{watchdog}.
    """

    def __init__(
        self,
        clock: IReactorTime,
        notify: Callable[[str], bool],
        period: float | None,
    ) -> None:
        self._clock = clock
        self._notify = notify
        self._period = period
        self._watchdog = LoopingCall(notify, "WATCHDOG=1")
        self._watchdog.clock = clock
        self._states: dict[str, SyncState] = {}
        self._counts: Counter[SyncState] = Counter()
        self._errors: dict[str, str] = {}
        self._ready = False
        self._told = ""
        self._unsent: list[str] = []
        self._pause: IDelayedCall | None = None
        self._late: IDelayedCall | None = None

    def startService(self) -> None:
        """
        Begin to show that we are alive.
        """
        Service.startService(self)
        if self._period is not None and not self._watchdog.running:
            self._watchdog.start(self._period / 2)
        if not self._ready:
            self._late = self._clock.callLater(LATEST, self._becomeReady)

    def stopService(self) -> None:
        """
        We come to an end.
        """
        Service.stopService(self)
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
        if self._late is not None:
            self._late.cancel()
            self._late = None
        self._notify("STOPPING=1")
        if self._watchdog.running:
            self._watchdog.stop()

    def reloading(self) -> None:
        """
        The configuration is read again.
        """
        now = int(time.clock_gettime(time.CLOCK_MONOTONIC) * 1_000_000)
        self._send(f"RELOADING=1\nMONOTONIC_USEC={now}")

    def reloaded(self) -> None:
        """
        It was read.
        """
        self._send("READY=1")

    def added(self, name: str, config: Config) -> None:
        """
        An account is there, or has another configuration now.
        """
        self._put(name, SyncState.NEW)

    def changed(self, name: str, change: Change) -> None:
        """
        How it stands has changed.

        We are ready as soon as it is clear for each whether its servers can be
        reached, or after L{LATEST}: to try again, if they cannot, is a part of our
        work.
        """
        self._put(name, change.after.state)
        if change.after.state is SyncState.BACKING_OFF:
            self._errors[name] = change.after.error
        self._tell()

    def ended(self, name: str, outcome: Outcome) -> None:
        """
        A run of it has come to its end: its state has told so.
        """

    def rests(self, name: str) -> None:
        """
        It is paused: nobody waits for it.
        """
        self._put(name, SyncState.STOPPED)
        self._tell()

    def removed(self, name: str) -> None:
        """
        It is no longer one of ours.
        """
        self._put(name, None)
        self._tell()

    def _put(self, name: str, state: SyncState | None) -> None:
        self._errors.pop(name, None)
        before = self._states.pop(name, None)
        if before is not None:
            self._counts[before] -= 1
        if state is not None:
            self._states[name] = state
            self._counts[state] += 1

    def _tell(self) -> None:
        if not self._ready and not any(self._counts[early] for early in _EARLY):
            if self._late is not None:
                self._late.cancel()
            self._becomeReady()
        if self._pause is None:
            self._tellStatus()

    def _becomeReady(self) -> None:
        self._ready, self._late = True, None
        self._send("READY=1")

    def _tellStatus(self) -> None:
        text = self._summary()
        if text != self._told:
            self._told = text
            self._send(f"STATUS={text}")
            self._wait()

    def _send(self, state: str) -> None:
        if self._unsent or not self._notify(state):
            self._unsent.append(state)
            self._wait()

    def _wait(self) -> None:
        if self._pause is None and self.running:
            self._pause = self._clock.callLater(PAUSE, self._goOn)

    def _goOn(self) -> None:
        self._pause = None
        unsent, self._unsent = self._unsent, []
        for state in unsent:
            self._send(state)
        if self._pause is None:
            self._tellStatus()

    def _summary(self) -> str:
        """
        One line about all accounts.
        """
        alone = len(self._states) == 1
        parts = [
            str(state) if alone else f"{count} {state}"
            for state, count in sorted((+self._counts).items())
        ]
        errors = list(islice(self._errors.values(), 1))
        return line("; ".join([", ".join(parts) or "no accounts", *errors]))
