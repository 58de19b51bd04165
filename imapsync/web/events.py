"""
Telling browsers what changes, as it does: server-sent events (HTML, 9.2).

Each account is told of once in a second at the most, and made into HTML once for
all who are told.  A browser that does not keep up is told later how things stand
then; one that takes nothing for long is told nothing more.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Collection, Mapping
from datetime import date
from typing import Any, Protocol

from twisted.internet.interfaces import IDelayedCall, IPushProducer
from twisted.internet.task import LoopingCall
from zope.interface import implementer

from imapsync.log import Log
from imapsync.web.account import parts
from imapsync.web.frame import place
from imapsync.web.overview import row
from imapsync.web.seen import Seen

#: In seconds.
PERIOD = 1.0

#: So often something is said, that nobody on the way takes for dead what is silent.
HEARTBEAT = 15.0

#: Who takes nothing for so many heartbeats is given up.
_PATIENCE = 4

#: So many may listen.
MOST = 50

#: Pieces of a page, by what they are called there; C{None} for one that is no more.
Pieces = Mapping[str, "str | None"]


class Line(Protocol):
    """
    The connection to a browser.
    """

    def write(self, data: bytes, /) -> object:
        """
        Send something.
        """

    def abort(self) -> object:
        """
        Be done with it.
        """


@implementer(IPushProducer)
class Listener:
    """
    A browser that is told of changes.

    @ivar name: of the account that it is told of; C{None} for all.
    @ivar pending: accounts that have changed and were not told of.
    """

    def __init__(self, events: Events, line: Line, name: str | None) -> None:
        self.name = name
        self.pending: set[str] = set()
        self._events = events
        self._line = line
        self._told: dict[str, str] = {}
        self._missed = 0
        self._isPaused = False

    @property
    def isReady(self) -> bool:
        """
        Whether it takes what it is told.
        """
        return not self._isPaused

    def pauseProducing(self) -> None:
        """
        It does not.
        """
        self._isPaused = True

    def resumeProducing(self) -> None:
        """
        It does again: it is told how things stand now.
        """
        self._isPaused = False
        self._missed = 0
        self._events.catchUp(self)

    def stopProducing(self) -> None:
        """
        It is gone.
        """
        self._events.discard(self)

    def tell(self, event: bytes) -> None:
        """
        Tell it something.
        """
        self._line.write(event)

    def changes(self, pieces: Pieces) -> Pieces:
        """
        What of that it was not told.
        """
        news = {
            key: piece for key, piece in pieces.items() if self._told.get(key) != piece
        }
        self._told = {key: piece for key, piece in pieces.items() if piece is not None}
        return news

    def beat(self) -> None:
        """
        Some time has gone by.
        """
        if self.isReady:
            self.tell(b":\n\n")
            return
        self._missed += 1
        if self._missed >= _PATIENCE:
            self.leave()

    def leave(self) -> None:
        """
        Be done with it.
        """
        self._events.discard(self)
        self._line.abort()


class Events:
    """
    Tells all who listen.

    @param clock: provides C{IReactorTime}.
    @param now: tells the time of day.
    """

    log = Log()

    def __init__(self, clock: Any, seen: Seen, now: Callable[[], float]) -> None:
        self._clock = clock
        self._seen = seen
        self._now = now
        self._run = secrets.token_hex(4)
        self._serial = 0
        self._changed: dict[str, int] = {}
        self._removed = 0
        self._due: set[str] = set()
        self._waiting: IDelayedCall | None = None
        self._flushed = -PERIOD
        self._listeners: dict[Listener, None] = {}
        self._day = date.fromtimestamp(now())
        self._beating = LoopingCall(self._beat)
        self._beating.clock = clock

    def start(self) -> None:
        """
        Begin.
        """
        self._beating.start(HEARTBEAT, now=False)

    def stop(self) -> None:
        """
        Tell nobody any more.
        """
        if self._beating.running:
            self._beating.stop()
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        for listener in list(self._listeners):
            listener.leave()

    def serial(self) -> str:
        """
        A name for how all stands now.
        """
        return f"{self._run}-{self._serial}"

    def changed(self, name: str) -> None:
        """
        An account has changed, come or gone.
        """
        self._mark(self._seen.label(name))

    def listen(self, line: Line, name: str | None, since: str) -> Listener | None:
        """
        From now on, tell of an account, or all.

        @param since: names the state that is known there.
        @return: C{None} if too many listen already.
        """
        if len(self._listeners) >= MOST:
            return None
        listener = Listener(self, line, name)
        self._listeners[listener] = None
        listener.tell(b"retry: 3000\n\n")
        # On a page of another run, nothing can be asked for.
        isOurs = since.partition("-")[0] in ("", self._run)
        if name is not None and isOurs:
            listener.pending.add(name)
        elif name is not None or (known := self._known(since)) is None:
            listener.tell(_event("reload", None, self.serial()))
        else:
            listener.pending.update(
                changed for changed, at in self._changed.items() if at > known
            )
        self.catchUp(listener)
        return listener

    def discard(self, listener: Listener) -> None:
        """
        Tell that one no more.
        """
        self._listeners.pop(listener, None)

    def catchUp(self, listener: Listener) -> None:
        """
        Tell one what it missed.
        """
        names, listener.pending = listener.pending, set()
        if names:
            self._tell([listener], names)

    def _mark(self, label: str) -> None:
        self._serial += 1
        self._changed[label] = self._serial
        self._due.add(label)
        if self._waiting is None:
            wait = self._flushed + PERIOD - self._clock.seconds()
            self._waiting = self._clock.callLater(max(0.0, wait), self._flush)

    def _known(self, serial: str) -> int | None:
        """
        The number of a state; C{None} if what has changed since is not known.
        """
        run, _, number = serial.partition("-")
        if run != self._run or not number.isdecimal() or len(number) > 18:
            return None
        return int(number) if int(number) >= self._removed else None

    def _flush(self) -> None:
        self._waiting = None
        self._flushed = self._clock.seconds()
        names, self._due = self._due, set()
        ready = []
        for listener in self._listeners:
            if listener.isReady:
                ready.append(listener)
            else:
                listener.pending |= names
        self._tell(ready, names)

    def _tell(self, listeners: Collection[Listener], names: Collection[str]) -> None:
        """
        Tell those of them who want to know about these accounts.
        """
        with self.log.failureHandler("Not told of a change."):
            every = [one for one in listeners if one.name is None]
            if every:
                event = _event("pieces", self._rows(names), self.serial())
                for listener in every:
                    listener.tell(event)
            wanted = {one.name for one in listeners if one.name in names}
            pieces = {name: self._parts(name) for name in wanted if name is not None}
            for listener in listeners:
                if listener.name in pieces:
                    self._tellOf(listener, pieces[listener.name])

    def _tellOf(self, listener: Listener, pieces: Pieces | None) -> None:
        if pieces is None:
            listener.tell(_event("reload", None, self.serial()))
        elif news := listener.changes(pieces):
            listener.tell(_event("pieces", news, self.serial()))

    def _rows(self, names: Collection[str]) -> Pieces:
        now = self._now()
        rows: dict[str, str | None] = {}
        for name in names:
            try:
                rows[place("account", name)] = row(self._seen.facts(name), now)
            except KeyError:
                rows[place("account", name)] = None
                self._changed.pop(name, None)
                self._removed = self._serial
        return rows

    def _parts(self, name: str) -> Pieces | None:
        try:
            return parts(self._seen.detail(name), self._now())
        except KeyError:
            return None

    def _beat(self) -> None:
        for listener in list(self._listeners):
            listener.beat()
        # Time goes on in charts.
        ready = {
            one: one.name
            for one in self._listeners
            if one.name is not None and one.isReady
        }
        self._tell(ready.keys(), {*ready.values()})
        today = date.fromtimestamp(self._now())
        if today != self._day:  # what was done today is nothing
            self._day = today
            for facts in self._seen.all():
                self._mark(facts.name)


def _event(kind: str, data: object, serial: str) -> bytes:
    return f"id: {serial}\nevent: {kind}\ndata: {json.dumps(data)}\n\n".encode()
